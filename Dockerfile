# One image for every service of wirewatch; the command says which.
FROM python:3.11-slim AS build
COPY requirements.txt /wirewatch/
RUN python -m venv /opt/wirewatch \
 && /opt/wirewatch/bin/pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes -r /wirewatch/requirements.txt
COPY . /wirewatch
RUN /opt/wirewatch/bin/pip install --no-cache-dir --disable-pip-version-check \
    --no-deps --no-build-isolation -e /wirewatch \
 && /opt/wirewatch/bin/python -m compileall -q /wirewatch/pipeline /wirewatch/connectors

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin wirewatch \
 && install -d -o wirewatch -g wirewatch /data
COPY --from=build /opt/wirewatch /opt/wirewatch
COPY --from=build /wirewatch /wirewatch
ENV PATH=/opt/wirewatch/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 WIREWATCH_DATA=/data
USER wirewatch
WORKDIR /data
VOLUME /data
ENTRYPOINT ["wirewatch"]
CMD ["--help"]
