/* SPDX-License-Identifier: MIT
 *
 * STS's XML: the text of a few elements, wherever in the document they stand. By expat, with
 * limits: no document type, eight levels, and the first element of a name counts.
 */
#ifndef RIA_FETCH_XML_H
#define RIA_FETCH_XML_H

#include "base/buf.h"
#include "base/error.h"

struct ria_xml_wanted {
    const char *name;    /* of the element, without a namespace */
    struct ria_buf *out; /* where its text goes */
};

/* False if the text is no such document, or an element's text does not fit. */
bool ria_xml_read(const struct ria_buf *text, const struct ria_xml_wanted *wanted, size_t count)
    RIA_MUST_USE;

#endif
