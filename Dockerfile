# docker build -t isobar . && docker run --rm -v "$PWD:/work" isobar run chaos.yaml
FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo install --locked --path . --root /out

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --no-install-recommends --yes ca-certificates openssh-client iproute2 iptables \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/bin/isobar /usr/local/bin/isobar
WORKDIR /work
# isobar handles SIGTERM itself: it heals, takes down and judges what there is.
STOPSIGNAL SIGTERM
ENTRYPOINT ["isobar"]
