# One image for web, worker, beat, and migrate. docker-compose.yml sets the command of each.

FROM python:3.13-slim AS packages
COPY requirements.txt /
# The environment's pip comes with the Python image. Only wheels, because building a package would download build tools
# that no hash covers.
RUN python -m venv /packages && \
    /packages/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement /requirements.txt

FROM python:3.13-slim
# gunicorn.conf.py has the settings that don't depend on the machine.
ENV PATH=/packages/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=settings.production \
    GUNICORN_CMD_ARGS="--bind=0.0.0.0:8000 --workers=2 --worker-tmp-dir=/dev/shm --no-control-socket"
COPY --from=packages /packages /packages
WORKDIR /app
RUN useradd --system --uid 1000 --no-create-home app && install --directory --owner=app var
COPY . .
RUN python manage.py collectstatic --settings=settings.base --no-input
USER app
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["gunicorn", "myproject.wsgi"]
