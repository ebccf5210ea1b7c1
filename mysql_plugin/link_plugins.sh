#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: link_plugins.sh OUR_DIRECTORY THEIR_DIRECTORY NAME...
# Links to the distribution's client plugins. A plugin that is not installed gets its link too: it
# is found once its package is installed, and until then fails as the missing file would. (meson's
# install_symlink() refuses such links.)
set -eu
ours=$1
theirs=$2
shift 2
case $ours in
/*) ours=${DESTDIR:-}$ours ;;
*) ours=$MESON_INSTALL_DESTDIR_PREFIX/$ours ;;
esac
for name in "$@"; do
    ln -sfn "$theirs/$name.so" "$ours/$name.so"
done
