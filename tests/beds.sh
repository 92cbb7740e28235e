#!/usr/bin/env bash
# Harvest one of the servers beside the repository and compare the archive with its truth.
#
#   tests/beds.sh oaipmh|oai-repo|invenio-oaiserver|invenio-rdm|hostile|zenodo|bad-network|moves|poison [PORT]
#
# The last four are worlds of the hostile server. Ends with 0 when the archive equals the truth, or names what differs.
set -euo pipefail
cd "$(dirname "$0")/.."
beds=${BEDS:-../shared/beds}
name=${1:?name a server: oaipmh, oai-repo, invenio-oaiserver, invenio-rdm, hostile, zenodo, bad-network, moves, poison}
python=.venv/bin/python
harvester=.venv/bin/harvester
[ -d "$beds" ] || { echo "skipped: there is no $beds"; exit 0; }

bed=$name path=/oai2d options=() compare=()
case $name in
    oaipmh) port=7102 path=/oai ;;
    oai-repo) port=7103 path=/oai compare=(--live-only) ;;
    invenio-oaiserver) port=7106 compare=(--live-only) ;;
    invenio-rdm) port=7107 compare=(--live-only) ;;
    hostile) port=7110 ;;
    zenodo) port=7112 compare=(--live-only) options=(--paging scroll --oai-error-status 422 --until-midnight --deleted no
        --page-size 50 --token-ttl 120 --token-boot-bound --rate 133:60 --rate 8000:3600 --rate-retry-after
        --deep-limit 10000 --concept-share 0.3) ;;
    bad-network) port=7114 options=(--p-429 .05 --retry-after mixed --p-503 .05 --p-502 .03 --p-reset .04 --p-cut .03
        --p-truncgzip .03 --p-html200 .03 --p-htmlxml .02 --p-empty .02 --gzip) ;;
    moves) port=7116 options=(--mutate-every 3 --mutate-touch 20 --mutate-delete 3 --mutate-add 3 --index-lag 5 --token-ttl 10) ;;
    poison) port=7118 options=(--kinds all --records 2000) ;;
    *) echo "no such server: $name" >&2; exit 2 ;;
esac
case $name in zenodo | bad-network | moves | poison) bed=hostile ;; esac
port=${2:-$port}

work=$(mktemp -d)
trap '"$beds/$bed/down.sh" --port "$port" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
"$beds/$bed/up.sh" --port "$port" ${options[@]+"${options[@]}"} >"$work/up.log" 2>&1 || { cat "$work/up.log"; echo "$name does not start"; exit 1; }

harvest() {
    local code=0
    "$harvester" crawl oaipmh -a url="http://127.0.0.1:$port$path" -a archive="$work/archive" "$@" || code=$?
    [ "$code" -le 1 ] || { echo "$name: the harvest ended with $code"; exit 1; }
}
truth() {
    if [ "$bed" = hostile ]; then
        "$python" -c 'import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen(sys.argv[1]).read())' \
            "http://127.0.0.1:$port/__truth"
    else
        cat "${BED_STATE:-$("$python" -c 'import tempfile; print(tempfile.gettempdir())')/beds}/$bed-$port/truth.jsonl"
    fi >"$work/truth.jsonl"
}
compared() {
    truth
    "$python" tests/support/oracle.py "$work/archive" "$work/truth.jsonl" ${compare[@]+"${compare[@]}"} >"$work/verdict"
}

if [ "$name" = moves ]; then
    # changes are listed five seconds late: what one run could not see the next one must bring, until nothing moves
    printf '[oaipmh]\nurl = "http://127.0.0.1:%s%s"\noverlap_seconds = 10\n' "$port" "$path" >"$work/moves.toml"
    for _ in 1 2 3 4 5 6 7 8 9; do
        harvest -a source="$work/moves.toml" -a mode=incremental
        compared && break
        sleep 6
    done
else
    harvest
    compared || true
fi
case $name in invenio-rdm | hostile | bad-network | moves | poison)
    # the same records by id, in two forms, into an archive of their own
    truth
    "$python" tests/support/id_oracle.py ids "$work/truth.jsonl" >"$work/ids.txt"
    code=0
    "$harvester" crawl idrange -a url="http://127.0.0.1:$port/api/records/{id}" -a ids="@$work/ids.txt" -a connections=4 \
        -a accept=application/json,application/marcxml+xml -a archive="$work/ids" || code=$?
    [ "$code" -le 1 ] || { echo "$name: the harvest by id ended with $code"; exit 1; }
    "$harvester" verify "$work/ids"
    [ "$name" = poison ] || { truth; "$python" tests/support/id_oracle.py compare "$work/ids" "$work/truth.jsonl"; }
    ;;
esac
"$harvester" status "$work/archive" || true
"$harvester" verify "$work/archive"
"$harvester" audit "$work/archive" --against "http://127.0.0.1:$port$path" || true
cat "$work/verdict"
grep -q '"verdict": "MATCHES"' "$work/verdict"
