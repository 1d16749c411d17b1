/*
 * crolang/plugin.h — the interface between crolang-broker and its plugins, ABI major 1.
 *
 * Includes all C headers. To write one kind of module, read base.h, the header of that kind, and
 * entry.h; host.h has the services that the broker offers.
 */
#ifndef CROLANG_PLUGIN_H
#define CROLANG_PLUGIN_H

#include "crolang/authentication.h"
#include "crolang/authorization.h"
#include "crolang/base.h"
#include "crolang/entry.h"
#include "crolang/host.h"
#include "crolang/io.h"
#include "crolang/message_observer.h"
#include "crolang/metrics.h"
#include "crolang/registry.h"
#include "crolang/rtc_config.h"
#include "crolang/validity.h"

#endif /* CROLANG_PLUGIN_H */
