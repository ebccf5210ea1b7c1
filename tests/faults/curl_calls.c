/* SPDX-License-Identifier: MIT
 *
 * The wrappers of libcurl's functions with a variable number of arguments. The one argument that
 * varies is a number or a pointer; a wrapper passes it on as a pointer. */
#include "faults.h"

#include <curl/curl.h>
#include <stdarg.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_share_setopt

CURLcode __real_curl_easy_setopt(CURL *curl, CURLoption option, ...);
CURLcode __wrap_curl_easy_setopt(CURL *curl, CURLoption option, ...);
CURLcode __real_curl_easy_getinfo(CURL *curl, CURLINFO info, ...);
CURLcode __wrap_curl_easy_getinfo(CURL *curl, CURLINFO info, ...);
CURLSHcode __real_curl_share_setopt(CURLSH *share, CURLSHoption option, ...);
CURLSHcode __wrap_curl_share_setopt(CURLSH *share, CURLSHoption option, ...);

#define FAILED(name) (ria_fault_step(name, 0, __builtin_return_address(0)) != RIA_FAULT_NONE)

CURLcode __wrap_curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
    va_list arguments;
    va_start(arguments, option);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return FAILED("curl_easy_setopt") ? CURLE_OUT_OF_MEMORY
                                      : __real_curl_easy_setopt(curl, option, argument);
}

CURLcode __wrap_curl_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
    va_list arguments;
    va_start(arguments, info);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return FAILED("curl_easy_getinfo") ? CURLE_OUT_OF_MEMORY
                                       : __real_curl_easy_getinfo(curl, info, argument);
}

CURLSHcode __wrap_curl_share_setopt(CURLSH *share, CURLSHoption option, ...)
{
    va_list arguments;
    va_start(arguments, option);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return FAILED("curl_share_setopt") ? CURLSHE_NOMEM
                                       : __real_curl_share_setopt(share, option, argument);
}
