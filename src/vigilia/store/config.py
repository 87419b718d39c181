"""The `[store]` section."""

from pydantic import field_validator

from vigilia.settings import Section
from vigilia.store.url import StoreUrl, check


class StoreConfig(Section):
    """The `[store]` section: the database of what must survive a crash."""

    url: StoreUrl = StoreUrl("")
    """Empty: `vigilia.db` in the data directory."""

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: StoreUrl) -> StoreUrl:
        if url.get_secret_value():
            check(url.get_secret_value())
        return url
