# One image for the roles `collect`, `work` and `console`; docker-compose.yml runs them.
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/rapport
COPY pyproject.toml README.md LICENSE tracking_plan.yaml ./
COPY profiles profiles
COPY models models
COPY plan plan
COPY analysis analysis
COPY streams streams
COPY console console
RUN /opt/rapport/bin/pip install --no-cache-dir '.[storage]'

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home rapport \
 && install -d -o rapport /var/lib/rapport/archive
COPY --from=build /opt/rapport /opt/rapport
COPY tracking_plan.yaml /etc/rapport/tracking_plan.yaml
ENV PATH=/opt/rapport/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAPPORT_HOST=0.0.0.0 \
    RAPPORT_PORT=8000 \
    RAPPORT_METRICS_PORT=9100 \
    RAPPORT_PLAN=/etc/rapport/tracking_plan.yaml
USER rapport
WORKDIR /home/rapport
ENTRYPOINT ["rapport"]
CMD ["--help"]
