# The two commands of a newcomer are `make demo` and `make test`; the rest is for developers.

CARGO ?= cargo
SECONDS ?= 10

.PHONY: demo test lint bench peers build

build:
	$(CARGO) build --release -p acp

# The main job: control, agent and page on this machine, the built-in server, and a task that ramps up
# and holds. Stays up until Ctrl-C; `make demo ONCE=1` leaves after the report.
demo: build
	@target/release/acp up --demo --seconds $(SECONDS) $(if $(ONCE),--once)

# Installs what is missing from Debian's packages and runs every test.
test:
	@sh .ci/packages nginx mariadb-server zookeeper chromium chromium-driver fonts-wqy-microhei
	@SCHEMATHESIS=$$(sh .ci/schemathesis); export SCHEMATHESIS; \
	AXE=$$(sh .ci/npm axe-core 4.14.1 e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745)/axe.min.js; export AXE; \
	if command -v cargo-nextest >/dev/null 2>&1; \
	then $(CARGO) nextest run --workspace --no-fail-fast && $(CARGO) test --doc -p acp-engine; \
	else $(CARGO) test --workspace; fi

lint:
	sh .ci/types
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

# Other load generators to compare with.
peers:
	@sh .ci/packages wrk hey nghttp2-client apache2-utils
	@command -v oha >/dev/null 2>&1 || $(CARGO) install oha --locked

bench: build
	@sh .ci/packages wrk
	$(CARGO) build --release -p acp-perf
	target/release/acp-perf run closed-64 closed-512 closed-4096 paced-1k paced-20k connect pipeline-16 body-64k tls-64 query-file
