/// The C++ SDK for plugins: derive from one or more kinds, end the file with CROLANG_PLUGIN.
///
///   class DenyList final : public crolang::plugin::Authorization { … };
///   CROLANG_PLUGIN(DenyList, "org.example.deny-list", "1.0.0", "refuses pairs", kEnv)
///
/// Includes the whole SDK. A source file that implements handlers but not the entry may include the
/// header of its kind in crolang/sdk/ instead.
///
/// Threads: constructor, destructor, check_variables, reload, stop, bind and posted functions run
/// on the broker's control thread; every other handler runs on any worker, several at once, and
/// must not block (see Host::run_blocking and Serial). Answers may be given from any thread.
/// Errors: an exception in the constructor or in bind prevents the start, and its text is the error
/// message; an exception in a handler answers CROLANG_INTERNAL with its text, and so does an answer
/// that is dropped; std::bad_alloc and std::system_error are temporary and answer
/// CROLANG_UNAVAILABLE. The SDK's own functions do not throw to the broker. Only the C headers and
/// the standard library are needed; the contract itself is explained in base.h, entry.h and the C
/// header of each kind.
#pragma once

#include <crolang/plugin.h>

#include <crolang/sdk/answers.hpp>
#include <crolang/sdk/base.hpp>
#include <crolang/sdk/entry.hpp>
#include <crolang/sdk/host.hpp>
#include <crolang/sdk/ids.hpp>
#include <crolang/sdk/kind.hpp>
#include <crolang/sdk/metrics.hpp>
#include <crolang/sdk/variables.hpp>
