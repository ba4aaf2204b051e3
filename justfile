# Everyday commands; `just` lists them.

default:
    @just --list

# Format, lint, licences, tests: what CI does.
ci:
    bash .ci/run

# Fast feedback while working.
check:
    cargo clippy --workspace --all-targets -- -D warnings

test *ARGS:
    cargo test --workspace {{ARGS}}

# Seeded crash simulation of the storage engine, as long as one likes.
sim SEED="1" ROUNDS="1000":
    cargo run --release -p nq-tests --bin sim -- --seed {{SEED}} --rounds {{ROUNDS}}

bench:
    cargo bench --workspace

book:
    mdbook build docs
