# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

.PHONY: help demo demo-down check test test-long crash bench web cluster cluster-down tools

help: ## what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

demo: ## bring up what is missing, and deploy examples/shop: to a cluster that answers, else to Docker; TARGET=kubernetes brings a cluster up
	@dev/demo up "$(TARGET)"

demo-down: ## stop the demo's server; what it deployed goes on
	@dev/demo down

check: ## format, lints, layers, error pages, fast tests: seconds when nothing changed
	@dev/check

test: ## everything on the real system: unit, laws, contracts, end to end
	@dev/test

test-long: ## make test, then what takes long: fuzzing, load, floods, many kills
	@dev/test-long

crash: ## a server killed at every point, and started again
	@dev/crash

bench: ## benchmarks: core, engine, image keys, registry, builds, releases, verdicts, rollouts under load, event streams, webhooks, previews, the page, then the shop, which needs a running `make demo`
	@dev/bench-core
	@dev/bench-keys
	@dev/bench-registry
	@dev/bench-builds
	@dev/bench-releases
	@dev/bench-verdicts
	@dev/bench-rollout
	@dev/bench-events
	@dev/bench-webhooks
	@dev/bench-previews
	@dev/bench-page
	@dev/bench

cluster: tools ## the development cluster
	@dev/cluster/cluster up

cluster-down:
	@dev/cluster/cluster down

web: ## the page, which the next build of the program holds
	@dev/web build

tools: ## the development tools that are missing
	@dev/tools/install
