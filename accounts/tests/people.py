from django.contrib.auth.hashers import MD5PasswordHasher

PASSWORD = "correct horse battery staple"
ADA = {"email": "ada@example.com", "name": "Ada Lovelace", "password": PASSWORD}


class CountingHasher(MD5PasswordHasher):
    """What takes the time of a sign-up or a login: the number of passwords hashed."""

    hashed = 0

    def encode(self, password, salt):
        CountingHasher.hashed += 1
        return super().encode(password, salt)
