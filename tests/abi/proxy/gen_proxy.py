# SPDX-License-Identifier: MIT
"""Writes the C of the proxy: a function for each slot that calls the real one and puts a line into the trace (record.h).

    gen_proxy.py FILE
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
import gen_slots  # noqa: E402

TABLES = {"OrtApi": "api", "OrtModelEditorApi": "editor", "OrtCompileApi": "compile"}
NUMBERS = {"size_t", "int", "bool", "float", "int32_t", "int64_t", "uint32_t", "uint64_t"}
# What differs from run to run or from library to library by its nature.
SILENT = {"GetErrorMessage", "AllocatorGetStats", "SessionGetProfilingStartTimeNs", "GetBuildInfoString", "SessionEndProfiling",
          "HardwareDevice_Vendor", "HardwareDevice_DeviceId", "HardwareDevice_VendorId", "GetTensorMutableData", "GetTensorData",
          "GetResizedStringTensorElementBuffer", "GetBoundOutputNames", "GetAvailableProviders", "ReleaseAvailableProviders",
          "ModelCompilationOptions_SetOutputModelBuffer", "GetCompatibilityInfoFromModel"}
NUMBERS |= set(re.findall(r"^(?:typedef )?enum (\w+) {", (ROOT / "include/onnxruntime_c_api.h").read_text(), re.M))


def is_number(kind):
    return kind.removeprefix("enum ") in NUMBERS


def describe(slot):
    """C statements that record the arguments before the call, and what it gave after it."""
    before, after = [], []
    params = slot.params
    for i, (kind, name) in enumerate(params):
        arg, following = f"a{i}", params[i + 1] if i + 1 < len(params) else ("", "")
        many = f"a{i + 1}" if following[0] == "size_t" and re.search(r"len|count|num|size", following[1]) else None
        target = kind.removesuffix("*")
        if kind in ("const char*", "const ORTCHAR_T*"):
            before.append(f"put_text({arg});")
        elif is_number(kind):
            sized = kind == "size_t" and i and params[i - 1][0] == "const void*"  # bytes of a model
            before.append(f'put_word("bytes");' if sized else f"put_number((double){arg});")
        elif kind == "callback" or not kind.endswith("*"):
            before.append(f'put_word({arg} ? "function" : "NULL");')
        elif kind.startswith("const ") or not (is_number(target) or target.endswith("*")):
            if not (kind.endswith("**") and not kind.endswith("const*")):
                before.append(f'put_word({arg} ? "_" : "NULL");')
        if kind.endswith("*") and not kind.startswith("const ") and is_number(target) and slot.name not in SILENT:
            count = many if many and target not in ("size_t", "bool") else "1"
            if slot.name == "GetDimensions":
                count = "rank_of(a0)"
            after.append(f"for (size_t k = 0; {arg} && k < {count} && k < 64; k++) put_number((double){arg}[k]);")
        elif kind in ("char**", "const char**", "const char**const") and slot.name not in SILENT:
            count = "rank_of(a0)" if slot.name == "GetSymbolicDimensions" else many or 1
            after.append(f"for (size_t k = 0; {arg} && k < {count} && k < 64; k++) put_text({arg}[k]);")
        elif kind == "OrtValue**":
            given = f"a{i - 1}" if i and params[i - 1][0] == "size_t" and "names" in params[i - 1][1] else "1"
            after.append(f"for (size_t k = 0; {arg} && k < {given}; k++) put_value({arg}[k]);")
        elif kind in ("OrtTypeInfo**", "const OrtTypeInfo**"):
            after.append(f"if ({arg}) put_type(*{arg});")
        elif kind in ("OrtTensorTypeAndShapeInfo**", "const OrtTensorTypeAndShapeInfo**"):
            after.append(f"if ({arg}) put_shape(*{arg});")
        elif re.fullmatch(r"(const )?\w+\*\*", kind) and kind != "void**" and kind not in ("char**", "const char**"):
            after.append(f'if ({arg}) put_word(*{arg} ? "made" : "nothing");')
    return before, after


def wrapper(slot):
    prefix = TABLES[slot.table]
    spelled = [f"void (*a{i})(void *, size_t)" if kind == "callback" else f"{kind} a{i}" for i, (kind, _) in enumerate(slot.params)]
    args = ", ".join(f"a{i}" for i in range(len(slot.params)))
    call = f"real_{prefix}->{slot.name}({args})"
    before, after = describe(slot)
    lines = [f"static {slot.returns} ORT_API_CALL {prefix}_{slot.name}({', '.join(spelled) or 'void'}) {{"]
    if slot.name in ("GetModelEditorApi", "GetCompileApi"):
        return "\n".join(lines + [f"  return &my_{'editor' if 'Editor' in slot.name else 'compile'};", "}"])
    if slot.name == "GetErrorCode":  # the calls say it
        return "\n".join(lines + [f"  return {call};", "}"])
    lines.append(f'  begin("{slot.name}");')
    lines += [f"  {b}" for b in before]
    lines.append("  line_end_of_arguments();")
    if slot.returns == "void":
        lines.append(f"  {call};")
    else:
        lines.append(f"  {slot.returns} r = {call};")
    lines.append("  begin_results();")
    if slot.returns == "OrtStatus*" and slot.name != "CreateStatus":
        lines.append("  put_status(r);")
        lines.append("  if (!r) {")
        lines += [f"    {a}" for a in after] + ["  }"]
    elif slot.returns != "void":
        if slot.returns in ("const char*", "const ORTCHAR_T*"):
            lines.append("  put_text(r);" if slot.name not in SILENT else "  put_word(r && *r ? \"text\" : \"nothing\");")
        elif is_number(slot.returns):
            lines.append("  put_number((double)r);" if slot.name not in SILENT else "")
        else:
            lines.append('  put_word(r ? "made" : "nothing");')
        lines += [f"  {a}" for a in after]
    else:
        lines += [f"  {a}" for a in after]
    lines.append("  end();")
    if slot.returns != "void":
        lines.append("  return r;")
    return "\n".join([*lines, "}"])


def main():
    slots = [s for s in gen_slots.tables() if s.table in TABLES]
    out = ["/* Written by gen_proxy.py. */", '#include "record.h"']
    for table, prefix in TABLES.items():
        out += [f"static const {table} *real_{prefix};", f"static {table} my_{prefix};"]
    out += ['#include "describe.h"'] + [wrapper(s) for s in slots]
    out.append("static void fill_tables(void) {")
    out += [f"  my_{TABLES[s.table]}.{s.name} = {TABLES[s.table]}_{s.name};" for s in slots]
    out.append("}\n#include \"entry.h\"\n")
    pathlib.Path(sys.argv[1]).write_text("\n".join(out))


if __name__ == "__main__":
    main()
