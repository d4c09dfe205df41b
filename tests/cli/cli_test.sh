#!/bin/sh
# SPDX-License-Identifier: MIT
# Every command of the program against one library: exit codes and the shape of what is printed.
#   cli_test.sh PROGRAM LIBRARY CRASH_SHIM EASY_TEST
# Exit code 77 when the library cannot run models yet.
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
program=$(absolute "$1") library=$(absolute "$2") shim=$(absolute "$3") easy=$(absolute "$4")
unset SARDONYX_LIBRARY NO_COLOR
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0 bad=0

# y = x + x over (n,3), in protobuf's wire form: ir_version 8, opset 13, one Add node, "x" and "y" of float32[n,3].
type='\022\017\012\015\010\001\022\011\012\003\022\001n\012\002\010\003'
model() { # FILE OPERATOR-OF-THREE-LETTERS
  printf "\\010\\010\\072\\077\\012\\016\\012\\001x\\012\\001x\\022\\001y\\042\\003$2\\022\\001g\\132\\024\\012\\001x$type\\142\\024\\012\\001y$type\\102\\002\\020\\015" >"$1"
}

# expect CODE PATTERN ARGUMENTS: runs the program; PATTERN is a case pattern for stdout and stderr together.
expect() {
  want=$1 pattern=$2
  shift 2
  out=$("$program" "$@" 2>&1)
  code=$?
  checks=$((checks + 1))
  # shellcheck disable=SC2254
  case $out in
    $pattern) [ $code = "$want" ] && return ;;
  esac
  bad=$((bad + 1))
  printf 'sardonyx %s\n  exit code %s, expected %s with %s; it printed:\n%s\n' "$*" "$code" "$want" "$pattern" "$out"
}

model double.onnx Add
model broken.onnx Bdd
SARDONYX_LIBRARY=$library
export SARDONYX_LIBRARY
case $("$program" run double.onnx ones --shape 1x3 2>&1) in
  *NOT_IMPLEMENTED*) echo "the library cannot run models yet"; exit 77 ;;
esac

expect 2 '*Commands*bench*'
expect 0 '*Exit codes*' help
expect 0 '*Usage:*run MODEL*--top*' help run
expect 0 '*Usage:*' bench --help
expect 2 '*no command*' frobnicate
expect 2 '*no command*' help frobnicate
expect 2 '*unknown option --bogus*' run double.onnx --bogus
expect 2 '*usage:*' run
expect 2 '*--digits wants a whole number*' run double.onnx --digits many
expect 2 '*--threads wants N*' run double.onnx --threads
expect 0 '*version*API*providers*' version
expect 3 '*cannot open the library*' version --library /nonexistent/library.so
expect 3 '*' version --library "$work/double.onnx"

expect 0 '*inputs*x*float32?n,3?*outputs*y*' info double.onnx
expect 0 '*opsets*ai.onnx 13*Add*' info double.onnx --ops
expect 0 '*"inputs": ?*"name": "x"*"n"*' info double.onnx --json -
expect 3 '*opsets*ai.onnx 13*inputs*x*float32?n,3?*outputs*y*1*Bdd*not a registered operator*' info broken.onnx
expect 3 '*NO_SUCHFILE*' info missing.onnx
expect 3 '*error:*' info broken.onnx
: >empty.onnx
expect 3 '*error:*' run empty.onnx

expect 0 '*y float32?1,3?*2, 4, 6*' run double.onnx x=1,2,3 --shape 1x3
expect 0 '*y float32?2,3?*3, 3, 3*' run double.onnx x=1.5 --dim n=2
expect 0 '*taken as 1*0, 2, 4*' run double.onnx iota
expect 0 '*0, 2, 4*' run double.onnx iota -q --from-memory --level 0 --threads 1
expect 2 '*no value for input*x float32*' run double.onnx
expect 2 '*has no input*' run double.onnx z=1
expect 2 '*given twice*' run double.onnx x=1 x=2 -q
expect 2 '*one input too many*' run double.onnx 1 2 -q
expect 2 '*is no file*' run double.onnx x=nonsense -q
expect 3 '*cannot be read*' run double.onnx x=missing.npy
expect 3 '*error:*' run double.onnx x=1 --shape 1x4
same=$("$program" run double.onnx random:7 -q --shape 2x3)
[ "$same" = "$("$program" run double.onnx random:7 -q --shape 2x3)" ] || { echo "random:7 differs from itself"; bad=$((bad + 1)); }
expect 0 '* 2 *4 *####*#* 1 *2 *####*' run double.onnx iota -q --top 2
expect 0 '*load*run*' run double.onnx ones -q --time --repeat 3
for form in npy npz pb; do
  expect 0 '' run double.onnx x=1,2,3 --shape 1x3 -o once.$form
  [ $form = npz ] && file=once.npz:y || file=once.$form
  expect 0 '*4, 8, 12*' run double.onnx x=$file
done
expect 2 '*outputs go to*' run double.onnx ones -q -o y.txt
expect 0 '*trace written*' run double.onnx ones --profile trace.json
grep -q '"ph"' trace.json || { echo "trace.json is no trace"; bad=$((bad + 1)); }
printf 'P2\n3 1\n255\n0 51 255\n' >grey.pgm
cp once.npy fake.png
expect 3 '*fake.png: not a PNG*' run double.onnx x=fake.png
expect 0 '*0, 0.4, 2*' run double.onnx grey.pgm --shape 1x3
case $("$program" run double.onnx ones -q) in *"$(printf '\033')"*) echo "colour in a pipe"; bad=$((bad + 1)) ;; esac
expect 0 '*'"$(printf '\033')"'*' run double.onnx ones -q --color always

expect 0 '*load*runs      5 in*median*p99*' bench double.onnx -n 5 -t 1
expect 0 '*"median"*"memory_peak"*' bench double.onnx -n 5 --json -
expect 0 '*runs*' bench double.onnx --duration 0.05 --concurrency 2 --reuse-outputs
expect 0 '*the first takes*ratio of medians*' bench double.onnx -n 5 --against "$library"
expect 0 '*"allocations_per_run": 0,*' bench double.onnx -n 20 -t 1 --reuse-outputs --json -
expect 0 '*terminated runs go on for*' bench double.onnx --stops 2 -t 1
expect 2 '*--concurrency*' bench double.onnx --concurrency 0
expect 3 '*NO_SUCHFILE*' bench missing.onnx

expect 0 "*same*y float32?1,3?*at most 0 apart*" compare double.onnx
expect 0 "*same*at most 0 apart*" compare double.onnx random:3 --with "$library" -q
expect 1 "*DIFFER*3 of 3 elements*" compare double.onnx x=7 -q --expect once.npz
expect 0 "*max_absolute*" compare double.onnx x=1,2,3 -s 1x3 --expect once.npz --json -
expect 0 '*--dim Q=3: no input has*' compare double.onnx -d Q=3 -d n=2
expect 2 "*exclude*" compare double.onnx --with a --expect b
expect 3 "*cannot open the library*" compare double.onnx --with /nonexistent/library.so

extension=$("$program" version | grep -c 'extension *version') # 0 or 1
if [ "$extension" = 0 ]; then
  expect 4 '*lacks its extension table*' explain double.onnx
  expect 4 '*lacks its extension table*' check double.onnx
else
  case $("$program" explain double.onnx 2>&1) in
    *NOT_IMPLEMENTED*) ;;
    *) expect 0 '*Add*' explain double.onnx; expect 0 '*{*Add*' explain double.onnx --json - ;;
  esac
  case $("$program" check double.onnx 2>&1) in
    *NOT_IMPLEMENTED*) ;;
    *)
      expect 0 '' check double.onnx --json c.json; expect 0 '' explain double.onnx -o e.txt
      grep -q problems c.json && grep -q Add e.txt || { echo "no reports in files"; bad=$((bad + 1)); }
      expect 0 'no problems' check double.onnx --level 1
      expect 0 'ai.onnx;*;Add' check double.onnx --operators
      expect 1 '*Bdd*' check broken.onnx
      model many.onnx Bdd
      printf '\072\012\012\010\012\001p\012\001q\022\000' >>many.onnx # a message that comes twice is one: a node more, without an operator
      expect 1 "*input 0 is 'p'*input 1 is 'q'*Bdd*problems*" check many.onnx
      ;;
  esac
fi

for name in good bad/deep crash_1 hang_1; do
  mkdir -p "cases/$name/test_data_set_0"
  cp double.onnx "cases/$name/model.onnx"
  "$program" run double.onnx x=1,2,3 --shape 1x3 -o "cases/$name/test_data_set_0/input_0.pb"
  "$program" run double.onnx x=2,4,6 --shape 1x3 -o "cases/$name/test_data_set_0/output_0.pb"
done
"$program" run double.onnx x=5,5,5 --shape 1x3 -o cases/bad/deep/test_data_set_0/output_0.pb
expect 0 '1 passed, 0 failed, 0 skipped' test cases/good
expect 0 '3 passed, 0 failed, 0 skipped' test cases --filter 'g*' --filter '*_1' --jobs 2
expect 1 '*FAILED bad/deep:*3 of 3 elements differ*expected 10*1 passed, 1 failed, 0 skipped' test cases --filter good --filter deep
expect 0 '1 passed, 0 failed, 1 skipped' test cases --filter 'g*' --filter bad/deep --skip deep
expect 0 '4 passed, 0 failed, 0 skipped' test cases --rtol 1
echo 'bad/deep 1 0 # as far off as it may be' >tolerances
expect 0 '4 passed, 0 failed, 0 skipped' test cases --tolerances tolerances
expect 1 '*' test cases --write-expect known -q
expect 0 '3 passed, 0 failed, 1 skipped' test cases --expect-fail known
echo good >>known
expect 1 '*PASSED, but is listed*good*2 passed, 1 failed, 1 skipped' test cases --expect-fail known
printf 'bad/deep # known\n\ngone\n' >known
expect 1 '*known:3*gone*3 passed, 1 failed, 1 skipped' test cases --expect-fail known
expect 0 '*good*hang_1*' test cases --list
expect 1 '*"failed": 1*"why": "output*' test cases --json -
expect 3 '*no case found*' test "$work/cases/good/test_data_set_0"
expect 3 '*is no folder*' test double.onnx
SHIM_LIBRARY=$library
export SHIM_LIBRARY
expect 1 '*bad/deep: output*crash_1: died of signal 6*hang_1: no answer after 1 s*1 passed, 3 failed, 0 skipped' \
  test cases --library "$shim" --timeout 1 --jobs 2
expect 3 '*cannot open the library*' test cases --library /nonexistent/library.so

"$easy" "$library" double.onnx || { echo "the helpers of sardonyx.h fail"; bad=$((bad + 1)); }

echo "$checks checks, $bad failed"
[ $bad = 0 ]
