"""The model field for email addresses."""

from typing import TYPE_CHECKING, Any

from django.db import models

from common.email_addresses import EMAIL_MAX_LENGTH, normalize_address, validate_address

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    EmailField = models.EmailField[str, str]
else:
    EmailField = models.EmailField


class EmailAddressField(EmailField):
    """Converts every value to its normal form: in save, bulk_create, update, lookups, and forms.

    Two spellings of one email address therefore compare equal in the database.
    """

    default_validators = [validate_address]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", EMAIL_MAX_LENGTH)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        return normalize_address(value) if isinstance(value, str) else value

    # For lookups and update(), which don't call pre_save().
    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.to_python(super().pre_save(model_instance, add))
        # The object in memory must equal the row, as after a reload.
        setattr(model_instance, self.attname, value)
        return value
