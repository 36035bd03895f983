import pytest

from examapp.config import Config, ConfigError

GOOD = {"EXAMAPP_SECRET_KEY": "s" * 40, "EXAMAPP_DATABASE_URL": "sqlite:///x.db"}


def test_good_settings_are_read():
    config = Config.from_env({**GOOD, "EXAMAPP_GRACE_SECONDS": "7", "EXAMAPP_PUBLIC_URL": "https://exam.example/"})
    assert (config.grace_seconds, config.public_url) == (7, "https://exam.example")


def test_a_bad_start_names_every_bad_value():
    bad = {
        "EXAMAPP_DATABASE_URL": "mysql://",
        "EXAMAPP_PUBLIC_URL": "exam",
        "EXAMAPP_GRACE_SECONDS": "-1",
        "EXAMAPP_PROXIES": "x",
    }
    with pytest.raises(ConfigError) as error:
        Config.from_env(bad)
    for name in ("SECRET_KEY", "DATABASE_URL", "PUBLIC_URL", "GRACE_SECONDS", "PROXIES"):
        assert f"EXAMAPP_{name}" in str(error.value)


def test_there_is_no_default_secret():
    with pytest.raises(ConfigError, match="EXAMAPP_SECRET_KEY"):
        Config.from_env({"EXAMAPP_DATABASE_URL": "sqlite:///x.db"})


def test_plain_http_to_the_world_must_be_said():
    with pytest.raises(ConfigError, match="https"):
        Config.from_env({**GOOD, "EXAMAPP_PUBLIC_URL": "http://exam.example"})
