# One image for every room; the command of a container chooses which one it is:
#   python -m trimtab_risk, python -m trimtab_ingest, … or any `trimtab` command.
# docs/containers.md explains how it is used.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# ---------------------------------------------------------------------------------------- build
FROM ${PYTHON_IMAGE} AS build
ARG UV_VERSION=0.13.8
# Where wheels lie beside PyPI, if anywhere: addresses, as pip and uv read them.
ARG PIP_FIND_LINKS=
ARG UV_FIND_LINKS=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/trimtab \
    UV_PYTHON=python3 \
    UV_PYTHON_DOWNLOADS=never
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install -q "uv==${UV_VERSION}"
WORKDIR /build
# What others wrote, in a layer that stays as long as the lock does; then what is ours.
COPY pyproject.toml uv.lock ./
RUN /opt/uv/bin/uv sync --no-progress --frozen --no-dev --all-packages --no-install-workspace --no-install-package torch
COPY libs libs
COPY services services
COPY cli cli
RUN /opt/uv/bin/uv sync --no-progress --frozen --no-dev --all-packages --no-editable --no-install-package torch

# ------------------------------------------------------------------------------------------ run
FROM ${PYTHON_IMAGE}
# The home is a volume that only this user can look into.
RUN useradd --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin trimtab \
    && install -d -o trimtab -g trimtab -m 0700 /var/lib/trimtab
COPY --from=build /opt/trimtab /opt/trimtab
# Strategies of the owner's are named from this folder: user_data/strategies/mine.py:MyStrategy.
WORKDIR /app
COPY config config
COPY user_data user_data
# The same in all rooms of one system; a mixture is a fault that they report.
ARG RELEASE=local
ENV PATH=/opt/trimtab/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRIMTAB_CONFIG_DIR=/app/config \
    TRIMTAB_HOME=/var/lib/trimtab \
    TRIMTAB_HTTP_HOST=0.0.0.0 \
    TRIMTAB_RELEASE=${RELEASE}
LABEL org.opencontainers.image.title="Trimtab" \
      org.opencontainers.image.description="A trading system that one person turns on and leaves alone" \
      org.opencontainers.image.version="${RELEASE}"
USER 10001:10001
CMD ["trimtab", "--help"]
