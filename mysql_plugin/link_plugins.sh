#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: link_plugins.sh OUR_DIRECTORY THEIR_DIRECTORY NAME...
# Creates links from OUR_DIRECTORY to the distribution's client plugins NAME.so in THEIR_DIRECTORY.
# A plugin that is not installed gets a link too. The link works as soon as the plugin's package is
# installed; until then, loading it fails in the same way as loading a missing file. (meson's
# install_symlink() refuses to create a dangling link.)
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
