# One image for the roles `collect`, `work` and `console`; docker-compose.yml runs them.
# `requirements/images` says the digest of the base image, for whoever wants these very bytes.
ARG PYTHON_IMAGE=python:3.12.12-slim-trixie
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
RUN python -m venv /opt/rapport
COPY requirements/image.txt requirements/image.txt
RUN /opt/rapport/bin/pip install --no-cache-dir --require-hashes -r requirements/image.txt
COPY pyproject.toml README.md LICENSE tracking_plan.yaml ./
COPY profiles profiles
COPY models models
COPY plan plan
COPY analysis analysis
COPY streams streams
COPY console console
RUN /opt/rapport/bin/pip install --no-cache-dir --no-deps --no-build-isolation . && /opt/rapport/bin/pip check

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --create-home rapport \
 && install -d -o rapport /var/lib/rapport/archive
COPY --from=build /opt/rapport /opt/rapport
COPY tracking_plan.yaml /etc/rapport/tracking_plan.yaml
ENV PATH=/opt/rapport/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAPPORT_HOST=0.0.0.0 \
    RAPPORT_PORT=8000 \
    RAPPORT_METRICS_PORT=9100 \
    RAPPORT_OPERATIONS_PORT=9100 \
    RAPPORT_PLAN=/etc/rapport/tracking_plan.yaml
USER rapport
WORKDIR /home/rapport
ENTRYPOINT ["rapport"]
CMD ["--help"]
