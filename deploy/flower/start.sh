# Starts Flower, which can stop workers and revoke tasks. So it refuses to start without a name and a long password.
# Flower reads them, and its other options, from the variables that begin with FLOWER_.
set -eu
case ${FLOWER_BASIC_AUTH:-} in
    ?*:????????????????*) ;;
    *)
        echo "Set FLOWER_BASIC_AUTH in .env to name:password, with a password of at least 16 letters and digits." >&2
        exit 1
        ;;
esac
exec celery flower
