# The monitor's image, which serves `monitor run`, `monitor demo` and the simulated network alike.
# Build: `docker compose build`; behind a proxy or without a network: docs/operating.md. Kept without a line that names a
# frontend: that would be fetched from a registry, and BuildKit's own knows all that is used here.

# Chosen on 2026-11-23. The lock files are made for this Python (scripts/lock).
ARG PYTHON_IMAGE=python:3.13.14-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ARG PIP_INDEX_URL
WORKDIR /source
RUN python3 -m venv --without-pip /opt/build && python3 -m venv --without-pip /opt/monitor
RUN --mount=type=secret,id=ca,required=false \
    --mount=type=bind,source=packaging,target=/packaging \
    --mount=type=bind,source=wheels,target=/wheels \
    /packaging/install-locked /opt/build/bin/python3 /packaging/build.lock \
    && /packaging/install-locked /opt/monitor/bin/python3 /packaging/requirements.lock
COPY pyproject.toml README.md ./
COPY monitor monitor
RUN /opt/build/bin/python3 -c "from setuptools.build_meta import build_wheel; build_wheel('/source/dist')" \
    && python3 -m pip --python /opt/monitor/bin/python3 --no-cache-dir install --no-index --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="lienthong-monitor" \
      org.opencontainers.image.description="Connectivity monitor of the public administrative service points"
RUN groupadd --system --gid 10001 monitor \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/monitor monitor \
    && install --directory --owner monitor --group monitor --mode 0750 \
       /var/lib/monitor /var/backups/monitor /run/field
COPY --from=build /opt/monitor /opt/monitor
COPY config/endpoints.yaml /etc/monitor/endpoints.yaml
ENV PATH=/opt/monitor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MONITOR_CONFIG=/etc/monitor/endpoints.yaml
WORKDIR /var/lib/monitor
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-S", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/-/ready', timeout=4)"]
ENTRYPOINT ["monitor"]
CMD ["run", "--listen", "0.0.0.0:8080"]
