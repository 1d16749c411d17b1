# The broker and its bundled plugins on Debian 12:
#   docker build -t crolang-broker .
#   docker run -p 8080:8080 crolang-broker
# Arguments are passed to the broker: docker run --rm crolang-broker --help. A .env file is read from /etc/crolang-broker.
# Where there is no Docker, scripts/image builds the same.

FROM debian:bookworm-slim AS build
WORKDIR /src
# Before the sources, so that an edit does not install the compiler again.
COPY scripts/setup scripts/setup
RUN scripts/setup build
COPY . .
RUN export CCACHE_DISABLE=1 \
 && cmake --preset release -DCROLANG_BUILD_TESTS=OFF -DCROLANG_BUILD_BENCH=OFF -DCROLANG_BUILD_EXAMPLES=OFF \
 && cmake --build --preset release --parallel "$(nproc)" \
 && DESTDIR=/image cmake --install build/release --prefix /usr/local --strip
# Headers that are compiled into the binaries, and whose licenses have to be included.
RUN cd /usr/share/doc && cp --parents libcli11-dev/copyright nlohmann-json3-dev/copyright /image/usr/local/share/doc/crolang-broker/

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="crolang-broker" \
      org.opencontainers.image.description="Signalling broker for WebRTC peer-to-peer nodes" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="debian:bookworm-slim"
# The packages of the base image may be older than Debian's latest security updates.
RUN export DEBIAN_FRONTEND=noninteractive \
 && apt-get update -qq \
 && apt-get upgrade -y -qq >/dev/null \
 && apt-get install -y -qq --no-install-recommends \
      ca-certificates libcpp-httplib0.11 libfmt9 libhiredis0.14 libprometheus-cpp-core1.0 libspdlog1.10 libssl3 \
      libstdc++6 >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/lib/dpkg/*-old /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
# No program in the image is setuid or setgid.
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && groupadd --gid 65532 crolang-broker \
 && useradd --no-log-init --key UID_MAX=65532 --uid 65532 --gid 65532 --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin crolang-broker
COPY --from=build /image /
# Empty, and not owned by the user.
WORKDIR /etc/crolang-broker
# Numeric, so that an orchestrator can verify that it is not root.
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/usr/local/bin/crolang-broker", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/crolang-broker"]
