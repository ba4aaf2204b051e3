# A static binary in an otherwise empty image. Build: docker build -t neuroquantumdb .
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev make cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# glibc linked statically: listen on addresses, host names are not resolved.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target "$target" -p neuroquantumdb \
 && mkdir -p /image/data /image/tmp && cp "target/$target/release/nqdb" /image/nqdb && chown -R 10001:10001 /image/data

FROM scratch
COPY --from=build /image/ /
COPY docker/passwd /etc/passwd
USER 10001
VOLUME /data
EXPOSE 5432
ENTRYPOINT ["/nqdb"]
CMD ["start", "-D", "/data/cluster", "-h", "0.0.0.0", "-k", "/data"]
HEALTHCHECK CMD ["/nqdb", "health"]
