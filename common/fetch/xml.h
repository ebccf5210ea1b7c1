/* SPDX-License-Identifier: MIT
 *
 * Extracts the text of a few elements from an XML document that an AWS service sent. Not a general
 * reader: no attributes, no namespaces, no document type declaration.
 */
#ifndef RIA_FETCH_XML_H
#define RIA_FETCH_XML_H

#include "base/buf.h"
#include "base/error.h"

/* An element to find, at any level of the document. */
struct ria_xml_wanted {
    const char *name;    /* name of the element, or names from an ancestor down to it: "Role/Arn" */
    struct ria_buf *out; /* receives its text; must be empty */
};

/* Parses an XML document with expat and copies the text of the `count` elements. If an element
 * occurs more than once, copies the first occurrence that has a text. Leaves the buffer of a
 * missing element empty. Returns false if the text is not well-formed, has a document type
 * declaration, more than 16 levels or names that are too long, or if an element's text does not
 * fit. */
bool ria_xml_read(const struct ria_buf *text, const struct ria_xml_wanted *wanted, size_t count)
    RIA_MUST_USE;

#endif
