# Two targets do everything on a bare machine that has Rust: `make demo` and `make test`.

.PHONY: demo test check setup evidence bench soak fuzz doc

# Emits the example design, lints it, multiplies two matrices with it and compares it with its
# golden model; then a configuration: emits, lints, compares. Then the accelerator, in which the
# built-in network runs 370 utterances through Verilator.
demo: setup
	cargo run --release --quiet --example systolic
	cargo run --release --quiet -- emit -c configs/example.toml --testbench -o build/example
	cargo run --release --quiet -- lint -c configs/example.toml
	cargo run --release --quiet -- cosim -c configs/example.toml
	cargo run --release --quiet -- emit -c configs/accelerator.toml -o build/accelerator
	cargo run --release --quiet -- lint -c configs/accelerator.toml
	cargo run --release --quiet -- run --engine verilator --report build/report

# Format, lint and every test.
test: setup check
	cargo test --all-features

check:
	cargo fmt --check
	cargo clippy --all-features --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --all-features --no-deps --quiet

setup:
	scripts/setup.sh

# What the blocks cost, and what speaks for them being right: docs/evidence.md, and a page for each
# block. Only those whose Verilog has changed; `lacuna evidence --all` for every one.
evidence: setup
	cargo run --release --quiet -- evidence

bench: setup
	cargo bench --bench core
	cargo bench --bench cosim
	cargo bench --bench compact
	cargo bench --bench mask_array
	cargo bench --bench crossbar
	cargo bench --bench engine
	cargo bench --bench area

# Ten million beats go into multiply-accumulates of all sizes, at precisions that change: 30,000 in
# each of 48 scenarios of each of 7 sizes.
soak: setup
	cargo run --release --quiet -- cosim vp_mac --beats 30000

# Longer than a test may take: 20,000 random modules, and a minute of the configuration's reader.
# `cargo install cargo-fuzz` brings the fuzzer.
fuzz: setup
	LACUNA_RANDOM_MODULES=20000 cargo test --release --test random_modules -- --nocapture
	mkdir -p fuzz/corpus/config
	RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none config fuzz/corpus/config fuzz/seeds/config -- \
	  -max_total_time=60

doc:
	cargo doc --no-deps --open
