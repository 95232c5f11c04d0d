"""A database column for email addresses that knows only their normal form."""

from typing import TYPE_CHECKING, Any

from django.db import models

from common.email_addresses import EMAIL_MAX_LENGTH, normalize_address, validate_address

if TYPE_CHECKING:
    EmailField = models.EmailField[str, str]
else:
    EmailField = models.EmailField


class AddressField(EmailField):
    """Normalises at every way in: save, bulk_create, update, lookups and forms."""

    default_validators = [validate_address]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", EMAIL_MAX_LENGTH)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        return normalize_address(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value
