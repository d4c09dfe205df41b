// SPDX-License-Identifier: MIT
/* The functions behind the tables' slots, declared from slots.def with the types that the public header gives the slots. */
#ifndef SX_ABI_API_H
#define SX_ABI_API_H
#include "onnxruntime_c_api.h"

#define SX_SLOT_TYPE(table, name) __typeof__(*((table *)0)->name)
#define SX_DECLARE(table, prefix, name) SX_SLOT_TYPE(table, name) prefix##name;
#define API(index, name, how) SX_DECLARE(OrtApi, sx_api_, name)
#define EDITOR(index, name, how) SX_DECLARE(OrtModelEditorApi, sx_editor_, name)
#define COMPILE(index, name, how) SX_DECLARE(OrtCompileApi, sx_compile_, name)
#define INTEROP(index, name, how) SX_DECLARE(OrtInteropApi, sx_interop_, name)
#define EP(index, name, how) SX_DECLARE(OrtEpApi, sx_epapi_, name)
#define PACKAGE(index, name, how) SX_DECLARE(OrtModelPackageApi, sx_package_, name)
#include "abi/slots.def"

/* The tables themselves. Static, complete, never NULL in any slot. */
extern const OrtApi sx_api;
extern const OrtModelEditorApi sx_editor;
extern const OrtCompileApi sx_compile;
extern const OrtInteropApi sx_interop;
extern const OrtEpApi sx_epapi;
extern const OrtModelPackageApi sx_package;
#define SX_VERSION_TEXT "1.31.0"
#endif
