#!/usr/bin/env bash
# Checks this project on the card of this machine, with the programs beside this script. No toolchain is needed.
set -u -o pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# What was packed: version, packed_devices, long, always_on_flex.
# shellcheck source=/dev/null
. "$here/plan.sh" || exit 2

usage() {
    cat <<END
usage: ./gpu-check.sh [--quick] [--minutes N] [--out FOLDER] [DEVICE...]

Runs si-core's tests on each device, a short split MNIST on fresh and on filled caches, and steps of the paper's
networks in a row. A table comes last.

  DEVICE...     backends to check [default: $packed_devices]
  --quick       small networks and fewer tests, to try this script where a processor emulates the card
  --minutes N   time for everything; each part has its share [default: 8]
  --out FOLDER  where gpu-check-logs.tar.gz is written [default: this folder]
END
}

wrong() {
    echo "error: $1" >&2
    usage >&2
    exit 2
}

quick=false minutes=8 out=$PWD devices=()
while [ $# -gt 0 ]; do
    case $1 in
        --quick) quick=true ;;
        --minutes | --out)
            [ $# -gt 1 ] || wrong "$1 needs a value"
            if [ "$1" = --out ]; then out=$2; else minutes=$2; fi
            shift
            ;;
        -h | --help) usage; exit 0 ;;
        -*) wrong "there is no option $1" ;;
        *) devices+=("$1") ;;
    esac
    shift
done
[[ $minutes =~ ^[1-9][0-9]{0,3}$ ]] || wrong "--minutes must be a whole number from 1, got $minutes"
[ ${#devices[@]} -gt 0 ] || read -r -a devices <<<"$packed_devices"
mkdir -p "$out" || exit 2
out=$(cd "$out" && pwd)

# Nothing is written beside the programs, and no cache of the user is used or changed.
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
logs=$work/gpu-check-logs
mkdir "$logs"
cp -R "$here/crates" "$work/"

# Ten seconds remain for the logs.
deadline=$((SECONDS + 60 * minutes - 10))
rows=() not_tested=() num_failed=0 num_cut_off=0

# The programs find the drivers of NVIDIA's containers, which are in no folder that loaders search.
find_drivers() {
    local cuda=${CUDA_PATH:-/usr/local/cuda} nvrtc icd=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
    if [ -d "$cuda" ]; then
        export CUDA_PATH=$cuda
        nvrtc=$(find -L "$cuda" -name 'libnvrtc.so*' -print -quit 2>/dev/null)
        if [ -n "$nvrtc" ]; then
            export LD_LIBRARY_PATH="$(dirname "$nvrtc")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
        fi
    fi
    if [ -z "${VK_DRIVER_FILES:-}" ] && [ -f "$icd" ] &&
        [ -z "$(ls {/etc,/usr/share,/usr/local/share}/vulkan/icd.d/nvidia*.json 2>/dev/null)" ]; then
        export VK_DRIVER_FILES=$icd
    fi
}

# Runs a command with caches of its own: those of Burn's kernels, and those of the drivers.
with_caches() {
    local folder=$work/caches/$1
    shift
    mkdir -p "$folder/cuda" "$folder/gl"
    XDG_CACHE_HOME=$folder CUBECL_ENVIRONMENT=gpu-check-$$-$(basename "$folder") SI_KERNEL_CACHE=$folder/kernels \
        CUDA_CACHE_PATH=$folder/cuda __GL_SHADER_DISK_CACHE_PATH=$folder/gl "$@"
}

# The detail of a row, from a part's log: tests, measurements, or the last line if it failed.
detail() {
    local part=$1 result=$2 log=$3 passed failed lines
    case $part in
        golden | units | suite)
            passed=$(grep -c '^test .* \.\.\. ok$' "$log")
            failed=$(grep -c '^test .* \.\.\. FAILED$' "$log")
            if [ "$passed$failed" != 00 ]; then
                echo "$passed passed, $failed failed"
                return
            fi
            ;;
        throughput)
            lines=$(grep -c '^| .* | [0-9.]* | [0-9.a-zN]* |$' "$log")
            echo "$lines of $num_measured measured"
            return
            ;;
    esac
    if [ "$result" = failed ]; then
        grep -v '^ *$' "$log" | tail -n 1 | cut -c 1-100
    fi
}

add_row() {
    rows+=("$(printf '%-8s  %-12s  %-10s  %7s  %s' "$@")")
}
add_row device part result seconds detail

# run PART DEVICE LIMIT CACHES COMMAND...: the limit is in seconds of eight minutes.
run() {
    local part=$1 device=$2 limit=$(($3 * minutes / 8)) caches=$4 left=$((deadline - SECONDS)) start status result seconds
    local log=$logs/$device-$part.txt
    shift 4
    [ "$limit" -le "$left" ] || limit=$left
    if [ "$limit" -lt 5 ]; then
        num_cut_off=$((num_cut_off + 1))
        add_row "$device" "$part" "no time" - ""
        return
    fi
    echo "$device, $part: at most $limit s"
    start=$(date +%s.%N)
    with_caches "$caches" timeout --kill-after=5 "$limit" "$@" >"$log" 2>&1 </dev/null
    status=$?
    seconds=$(awk -v start="$start" -v end="$(date +%s.%N)" 'BEGIN { printf "%.1f", end - start }')
    if [ "$status" -eq 0 ]; then
        result=ok
    elif [ "${seconds%.*}" -ge "$limit" ]; then
        result="time limit"
        num_cut_off=$((num_cut_off + 1))
    else
        result=failed
        num_failed=$((num_failed + 1))
    fi
    add_row "$device" "$part" "$result" "$seconds" "$(detail "$part" "$result" "$log")"
}

# Tests read their files from the folder in which they run.
run_test() {
    local part=$1 device=$2 limit=$3 program=$4
    shift 4
    run "$part" "$device" "$limit" "tests-$device" env -C "$work/crates/si-core" BURN_DEVICE="$device" \
        INSTA_WORKSPACE_ROOT="$work" INSTA_UPDATE=no "$here/$program" "$@"
}

# Arguments that leave out the tests of these modules.
skips() {
    local module
    for module in "$@"; do
        printf -- '--skip %s ' "$module"
    done
}

# The model of a backend's first device, as `si devices` shows it.
model_of() {
    awk -F'  +' -v device="$1" '$1 == device || index($1, device ":") == 1 { print $2; exit }' "$logs/devices.txt"
}

find_drivers
cd "$work" || exit 2
{
    echo "version $version"
    date
    uname -a
    echo "$(nproc) cores"
    timeout 20 nvidia-smi
    timeout 20 vulkaninfo --summary
} >"$logs/machine.txt" 2>&1
with_caches devices timeout 60 "$here/si" devices >"$logs/devices.txt" 2>&1
cat "$logs/devices.txt"
echo

found=()
for device in "${devices[@]}"; do
    model=$(model_of "$device")
    case $model in
        "" | none | "not compiled in")
            num_failed=$((num_failed + 1))
            add_row "$device" - "no device" - "si devices: ${model:-no backend of this name}"
            ;;
        *) found+=("$device") ;;
    esac
done

# What a card's products are like is measured, and no reason to refuse it here.
start_arguments=(--tasks 2 --epochs 1 --seeds 1 --jobs 1 --replicas 1 --matmul-precision any)
num_measured=9
if $quick; then
    start_arguments+=(--train-images 1280 --train-evaluated 500 --hidden-sizes 64,64)
    num_measured=3
    export SI_BENCH_NETWORK=784-256-256-10
fi

not_tested+=("double precision on a card: such tests use Flex, because few of Burn's kernels support it there")
# What counts most comes first, on each device.
for device in ${found[@]+"${found[@]}"}; do
    run_test golden "$device" 45 suite golden::
done
if [ ${#found[@]} -gt 0 ]; then
    run precision all 40 precision "$here/si" devices --measure
fi
for device in ${found[@]+"${found[@]}"}; do
    start() {
        run "start-$1" "$device" "$2" "$device" "$here/si" split-mnist --device "$device" \
            "${start_arguments[@]}" --out "$work/split-mnist-$device-$1"
    }
    start fresh 100
    start filled 45
done
for device in ${found[@]+"${found[@]}"}; do
    run throughput "$device" 90 "$device" env SI_BENCH_STEPS=in-a-row SI_BENCH_DEVICE="$device" "$here/step"
done
for device in ${found[@]+"${found[@]}"}; do
    run_test units "$device" 90 unit-tests
done
for device in ${found[@]+"${found[@]}"}; do
    left_out="$always_on_flex golden::"
    not_tested+=("$device, $always_on_flex of the suite: these tests use Flex on any device")
    if $quick || [[ $(model_of "$device") =~ llvmpipe|SwiftShader ]]; then
        left_out="$left_out $long"
        not_tested+=("$device, $long of the suite: they take long on a card that a processor emulates")
    fi
    # shellcheck disable=SC2046,SC2086
    run_test suite "$device" 240 suite $(skips $left_out)
done

{
    if [ -f "$logs/all-precision.txt" ]; then
        echo
        grep 'float32 products' "$logs/all-precision.txt"
    fi
    for device in ${found[@]+"${found[@]}"}; do
        log=$logs/$device-throughput.txt
        if [ -f "$log" ]; then
            echo
            cat "$log"
        fi
        for part in golden units suite; do
            log=$logs/$device-$part.txt
            if [ -f "$log" ]; then
                sed -n "s/^test \(.*\) \.\.\. FAILED$/failed on $device: \1/p" "$log"
            fi
        done
    done
    printf '\nNot tested:\n'
    printf -- '- %s\n' "${not_tested[@]}"
    printf '\nversion %s\n' "$version"
    printf '%s\n' "${rows[@]}"
    printf '\nparts that failed: %s; that had too little time (--minutes): %s\n' "$num_failed" "$num_cut_off"
} >"$logs/summary.txt"
cat "$logs/summary.txt"
tar -czf "$out/gpu-check-logs.tar.gz" -C "$work" gpu-check-logs && echo "Logs: $out/gpu-check-logs.tar.gz"
[ "$num_failed" -eq 0 ]
