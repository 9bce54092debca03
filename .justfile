# A name for each check. `.ci/run` sets up from nothing and runs `just check`. In a checkout:
#     python3 -m venv .venv && .venv/bin/pip install -c .ci/requirements.txt -e '.[test,lint]'
#     .venv/bin/just

set shell := ["bash", "-euo", "pipefail", "-c"]

bin := justfile_directory() / ".venv" / if os() == "windows" { "Scripts" } else { "bin" }
# At the end: Go is the machine's own, or else that of the test extra, as in the tests.
export PATH := env("PATH") + PATH_VAR_SEP + bin

# Go with the flags of the tests, which then find the standard library compiled.
go-flags := bin / "python -c 'from tests.harness.go import GOFLAGS; print(GOFLAGS)'"

[private]
default:
    @just --justfile {{ justfile() }} --list --unsorted

# everything that has to pass: all of the below but bench, and nothing twice
check: static test

# all tests: README's own line
test:
    #!/usr/bin/env bash
    set -euo pipefail
    line=$(sed -n 's/^ *\(python3 -m venv .*pytest.*\)$/\1/p' README.md)
    if [ -z "$line" ] || [ "$(wc -l <<< "$line")" != 1 ]; then
        echo "README.md has no test line, or several" >&2
        exit 1
    fi
    # An environment that exists keeps its Python.
    if [ -x .venv/bin/python ]; then
        python3() { .venv/bin/python "$@"; }
    fi
    echo "$line"
    eval "$line"

# all tests, also those that take many minutes: every Go test on every system, the bench, the fuzzer
whole:
    {{ bin }}/pytest -n auto --whole

# unit tests, and one release of this machine's Python
quick:
    {{ bin }}/pytest -q -n auto tests/unit \
        tests/integration/test_local.py::test_a_virtual_environment_is_packed_as_its_base

# ruff, import layers, shell scripts, workflows and the other files of .github
lint: ruff workflows
    {{ bin }}/lint-imports --no-logo
    {{ bin }}/shellcheck .ci/run .ci/alpine

[private]
ruff:
    {{ bin }}/ruff format --check --quiet .
    {{ bin }}/ruff check --quiet .

[private]
workflows:
    #!/usr/bin/env bash
    set -euo pipefail
    shopt -s extglob nullglob
    GOFLAGS=$({{ go-flags }})
    export GOFLAGS
    # Only with the shellcheck of the lock: GitHub's runners have another, most machines none.
    go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 \
        -shellcheck={{ bin }}/shellcheck -pyflakes=
    {{ bin }}/zizmor --offline --persona=auditor --quiet .github
    conforms() { # schema, files
        [ $# = 1 ] || {{ bin }}/check-jsonschema --quiet --builtin-schema "vendor.$1" "${@:2}"
    }
    conforms github-workflows .github/workflows/*.yml
    conforms dependabot .github/dependabot?(.yml)
    conforms github-issue-config .github/ISSUE_TEMPLATE/config?(.yml)
    conforms github-issue-forms .github/ISSUE_TEMPLATE/!(config).yml
    conforms renovate .github/renovate*.json

# matrix.lock contradicts nothing; it may lack pins (30), which only the source of the assets knows
[private]
pins:
    {{ bin }}/goempy lock --check 2>/dev/null || [ $? = 30 ]

# mypy
types:
    {{ bin }}/mypy

# the Go module: gofmt, go mod tidy, staticcheck, vet, and its own tests in place
go: go-static
    cd pipeline/gomodule && for goos in linux darwin windows; do GOOS=$goos go vet ./...; done
    cd pipeline/gomodule && go test ./...

# What the tests do not do themselves.
[private]
go-static: gofmt
    #!/usr/bin/env bash
    set -euo pipefail
    GOFLAGS=$({{ go-flags }})
    export GOFLAGS
    # A cache of this checkout alone. With -trimpath another checkout's results are reused, and
    # their absolute paths keep those of one system from being matched with those of the next.
    export STATICCHECK_CACHE={{ justfile_directory() }}/.venv/staticcheck
    cd pipeline/gomodule
    go mod tidy -diff
    go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -matrix ./... <<'END'
    linux: GOOS=linux CGO_ENABLED=0
    musl: GOOS=linux CGO_ENABLED=0 -tags=musl
    darwin: GOOS=darwin CGO_ENABLED=0
    windows: GOOS=windows CGO_ENABLED=0
    END

[private]
gofmt:
    #!/usr/bin/env bash
    set -euo pipefail
    unformatted=$("$(go env GOROOT)/bin/gofmt" -l pipeline tests)
    [ -z "$unformatted" ] || { echo "not formatted by gofmt: $unformatted" >&2; exit 1; }

# links of the documents, and what they say of commands
docs:
    {{ bin }}/pytest -q tests/unit/test_docs.py

# the bench, which writes BENCHMARKS.md: an hour and a half of an idle Linux machine
bench *options:
    {{ bin }}/python -m tests.bench {{ options }}

compile := bin / "uv pip compile --quiet --universal --python-version 3.11 --all-extras" \
    + " --annotation-style line --custom-compile-command 'just lock' pyproject.toml"

# renew .ci/requirements.txt after a change of pyproject.toml, or all of it: just lock --upgrade
lock *options:
    {{ compile }} -o .ci/requirements.txt {{ options }}

# whether .ci/requirements.txt has a version for everything that pyproject.toml needs
[private]
locked:
    #!/usr/bin/env bash
    set -euo pipefail
    again=$(mktemp)
    trap 'rm "$again"' EXIT
    cp .ci/requirements.txt "$again"
    {{ compile }} -o "$again"
    diff .ci/requirements.txt "$again" || { echo "run: just lock" >&2; exit 1; }

# All that needs no test run; side by side, since most of them use one core.
[private, parallel]
static: lint types go-static locked pins
