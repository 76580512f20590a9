#!/bin/sh
# Builds the bench of tokio without a network: cargo, where the crates lie, the sources, a folder
# to build in, the program to make. Called by meson.
set -eu
cargo=$1 crates=$2 sources=$3 folder=$4 output=$5
mkdir -p "$folder/.cargo"
cp "$sources/Cargo.toml" "$sources/main.rs" "$folder"
cat > "$folder/.cargo/config.toml" <<END
[source.crates-io]
replace-with = "packaged"
[source.packaged]
directory = "$crates"
END
(cd "$folder" && "$cargo" build --release --offline --quiet --target-dir target)
cp "$folder/target/release/tokio_bench" "$output"
