from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from pathlib import Path

import pytest

from tg263_scp import yamlsource
from tg263_scp.config.loading import DEFAULTS_PATH, load_config
from tg263_scp.config.routes import Gates
from tg263_scp.config.sections import Config
from tg263_scp.errors import ConfigError

ONE_DESTINATION = """
destinations:
  - {name: pacs, host: 127.0.0.1, port: 104, ae_title: PACS}
"""


@pytest.fixture
def load(tmp_path: Path):
    def from_text(text: str) -> Config:
        path = tmp_path / "node.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path)

    return from_text


def test_the_defaults_file_holds_every_setting_and_nothing_else():
    defaults = yamlsource.load(DEFAULTS_PATH)
    assert list(defaults) == list(Config.model_fields)
    for section, field in Config.model_fields.items():
        if section not in ("commitment_peers", "destinations", "listeners", "routes"):
            assert list(defaults[section]) == list(field.annotation.model_fields), section
    assert list(defaults["naming"]["gates"]) == list(Gates.model_fields)


def test_without_a_file_the_defaults_hold():
    config = load_config(None)
    assert config.listen.ae_title == "TG263"
    assert config.destinations == []
    assert config.naming.overlay is None


def test_a_file_overrides_single_settings_and_keeps_the_rest(load):
    config = load("listen: {port: 104}")
    assert config.listen.port == 104
    assert config.listen.max_associations == load_config(None).listen.max_associations


def test_an_empty_file_and_an_empty_section_are_the_defaults(load):
    assert load("").listen == load_config(None).listen
    assert load("listen:\n").listen == load_config(None).listen
    assert load("destinations:\n").destinations == []


@pytest.mark.parametrize("title", ["1:30", "05", "on", "No", "1e3", "0x10", "null1", "2001-01-01"])
def test_an_ae_title_stays_the_text_that_was_written(load, title):
    assert load(f"listen: {{ae_title: {title}}}").listen.ae_title == title


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", True),
        ("Yes", True),
        ("true", True),
        ("off", False),
        ("NO", False),
        ("false", False),
        ("' on '", True),
    ],
)
def test_a_truth_value_may_be_written_in_three_ways(load, written, meant):
    assert load(f"listen: {{called_ae_must_match: {written}}}").listen.called_ae_must_match is meant


@pytest.mark.parametrize("written", ["1", "t", "y", "maybe", "''"])
def test_other_words_are_no_truth_value(load, written):
    with pytest.raises(ConfigError, match="must be true or false"):
        load(f"listen: {{called_ae_must_match: {written}}}")


@pytest.mark.parametrize(
    ("written", "size_bytes"),
    [("1048576", 1 << 20), ("3 MiB", 3 << 20), ("2GiB", 2 << 30), ("1 tib", 1 << 40)],
)
def test_a_size_may_be_written_for_people(load, written, size_bytes):
    assert load(f"spool: {{max_object_bytes: {written}}}").spool.max_object_bytes == size_bytes


@pytest.mark.parametrize("written", ["2,5 GiB", "'1 GiB; 2'", "1.5", "-1", "3 MB", "GiB", "''"])
def test_a_size_that_could_be_read_in_part_is_refused(load, written):
    with pytest.raises(ConfigError, match="such as 2 GiB") as caught:
        load(f"spool:\n  min_free_bytes: {written}\n")
    assert caught.value.where.line == 2


def test_an_unknown_key_names_its_line_and_the_nearest_key(load):
    with pytest.raises(ConfigError) as caught:
        load("listen:\n  port: 104\n  ae_tilte: X\n")
    assert caught.value.where.line == 3
    assert caught.value.where.file.endswith("node.yaml")
    assert "ae_tilte" in caught.value.problem
    assert "ae_title" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "line", "near"),
    [
        ("lisen: {}\n", 1, "listen"),
        ("llm: {enable: true}\n", 1, "enabled"),
        ("naming:\n  approved: hold\n", 2, "'approved' belongs below 'gates'"),
        ("naming:\n  gates:\n    aproved: hold\n", 3, "approved"),
        ("destinations:\n  - name: a\n    prot: 1\n", 3, "port"),
        ("destinations:\n  - name: a\n    retry:\n      max_delay: 1\n", 4, "max_delay_s"),
        ("destination_defaults:\n  retry:\n    first_delay: 1\n", 3, "first_delay_s"),
        ("routes:\n  - name: a\n    calling_ae_title: TPS\n", 3, "calling_ae_titles"),
        ("routes:\n  - name: a\n    gates:\n      aprooved: hold\n", 4, "approved"),
        ("routes:\n  - name: a\n    approved: hold\n", 3, "'approved' belongs below 'gates'"),
    ],
)
def test_an_unknown_key_is_found_at_every_depth(load, text, line, near):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert caught.value.where.line == line
    assert near in caught.value.hint


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("listen:\n  port: many\n", 2, "listen.port"),
        ("listen:\n  port: 70000\n", 2, "listen.port"),
        ("listen:\n\n  ae_title: THIS_IS_MUCH_TOO_LONG\n", 3, "listen.ae_title"),
        ("naming:\n  mode: maybe\n", 2, "naming.mode"),
        ("naming:\n  gates: {uid_mismatch: relabel}\n", 2, "naming.gates.uid_mismatch"),
        ("peers:\n  addresses:\n    - 10.0.0.1\n    - nowhere\n", 4, "peers.addresses"),
        ("destinations:\n  - name: a\n    host: h\n    ae_title: A\n    port: x\n", 5, "destinations.0.port"),
        ("destinations:\n  - name: a\n", 2, "destinations.0.host"),
        ("destination_defaults:\n  retry:\n    max_delay_s: soon\n", 3, "destination_defaults.retry"),
        ("spool:\n  min_free_bytes: lots\n", 2, "spool.min_free_bytes"),
        ("llm:\n  samples: 10\n", 2, "llm.samples"),
        ("llm:\n  host: 127.0.0.1:11434\n", 2, "llm.host"),
        ("llm:\n  host: http://me:secret@127.0.0.1\n", 2, "llm.host"),
        ("llm:\n  host: http://127.0.0.1:11434/?key=1\n", 2, "llm.host"),
        ("llm:\n  model: two words\n", 2, "llm.model"),
        ("llm:\n  model:\n", 2, "llm.model"),
        ("llm:\n  headers:\n    - 'X-A: 1'\n    - Authorization: Bearer x\n", 4, "llm.headers.1"),
        ("llm:\n  headers: ['Content-Length: 1']\n", 2, "llm.headers.0"),
        ("llm:\n  enabled: no\n  headers: ['X-A: 1', 'x-a: 2']\n", 3, "llm.headers"),
        ("llm:\n  ca_file: ca.pem\n", 2, "llm.ca_file"),
        ("llm:\n  host: https://127.0.0.1\n  cert_file: us.pem\n", 3, "llm.cert_file"),
        ("metrics:\n  port: 65536\n", 2, "metrics.port"),
        ("routes:\n  - mode: shadow\n", 2, "routes.0.name"),
        (
            "destination_defaults:\n  rewrite_references: on\n",
            2,
            "destination_defaults.rewrite_references: is for uid_policy: new",
        ),
        (
            "destination_defaults: {uid_policy: new}\ndestinations:\n"
            "  - {name: a, host: h, port: 1, ae_title: A,\n     uid_policy: keep,\n     rewrite_references: on}\n",
            5,
            "destinations.0.rewrite_references: is for uid_policy: new",
        ),
        ("routes:\n  - name: a\n    mode: off\n", 3, "routes.0.mode"),
        ("routes:\n  - name: a\n    gates:\n      signed: off\n", 4, "routes.0.gates.signed"),
        ("routes:\n  - name: a\n    addresses: [10.0.0.1, here]\n", 3, "routes.0.addresses.1"),
    ],
)
def test_a_wrong_value_names_its_line(load, text, line, name):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert caught.value.where.line == line
    assert name in caught.value.problem


def test_two_destinations_of_one_name_are_refused(load):
    entry = "  - {name: a, host: h, port: 1, ae_title: A}\n"
    with pytest.raises(ConfigError, match="two destinations are called 'a'") as caught:
        load("destinations:\n" + entry + entry)
    assert caught.value.where.line == 3


@pytest.mark.parametrize(
    ("listen", "host", "itself"),
    [
        ("127.0.0.1", "localhost", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "127.0.0.1", False),
        ("0.0.0.0", "10.0.0.2", False),
    ],
)
def test_a_destination_that_is_the_node_itself_is_refused(load, listen, host, itself):
    text = f"listen: {{host: {listen}, port: 104}}\ndestinations:\n  - {{name: a, host: {host}, port: 104, ae_title: A}}\n"
    if not itself:
        assert load(text).destinations
        return
    with pytest.raises(ConfigError, match="is this node itself") as caught:
        load(text)
    assert caught.value.where.line == 3


def test_a_route_takes_what_it_does_not_say_from_the_rest_of_the_configuration(load):
    text = """
naming: {mode: shadow, gates: {approved: hold}}
routes:
  - {name: first, calling_ae_titles: TPS, gates: {signed: relabel}}
  - {name: second, mode: relabel, destinations: pacs}
"""
    first, second = load(ONE_DESTINATION + text).routes
    assert (first.mode, first.gates.approved, first.gates.signed) == ("shadow", "hold", "relabel")
    assert (first.calling_ae_titles, first.addresses, first.destinations) == (["TPS"], [], ["pacs"])
    assert (second.mode, second.gates.signed, second.destinations) == ("relabel", "pass", ["pacs"])


def test_references_are_rewritten_where_uids_are_new(load):
    text = ONE_DESTINATION + "destination_defaults: {uid_policy: new, rewrite_references: on}\n"
    assert load(text).destinations[0].rewrite_references is True
    assert load(ONE_DESTINATION).destinations[0].rewrite_references is False


@pytest.mark.parametrize(
    ("routes", "line", "problem", "hint"),
    [
        ("  - name: a\n    destinations: [pcas]\n", 5, "no destination 'pcas'", "did you mean 'pacs'?"),
        ("  - name: a\n    destinations: [x1]\n", 5, "no destination 'x1'", "destinations: pacs"),
        ("  - name: a\n    destinations: []\n", 5, "names no destination", "leave it out"),
        ("  - name: a\n    addresses: 10.0.0.1\n  - name: a\n", 6, "two routes are called 'a'", ""),
        ("  - name: a\n  - name: b\n    mode: shadow\n", 5, "never reached: the route 'a'", "last"),
    ],
)
def test_routes_that_cannot_work_are_refused(load, routes, line, problem, hint):
    with pytest.raises(ConfigError) as caught:
        load(ONE_DESTINATION.lstrip() + "routes:\n" + routes)
    assert (caught.value.where.line, problem in caught.value.problem) == (line, True)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text", ["- a\n", "listen: 5\n", "destinations: [a]\n", "destinations:\n  retry: 5\n"]
)
def test_a_file_of_another_shape_is_a_configuration_error(load, text):
    with pytest.raises(ConfigError):
        load(text)


def test_a_missing_file_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.yaml")


def test_relative_paths_count_from_the_file(load, tmp_path):
    config = load("spool: {folder: data}\nnaming: {overlay: ours.yaml}\n")
    assert config.spool.folder == tmp_path / "data"
    assert config.naming.overlay == tmp_path / "ours.yaml"
    assert config.audit.file == tmp_path / "data" / "audit.jsonl"


def test_a_destination_takes_what_it_does_not_say_from_the_defaults(load):
    text = """
destination_defaults: {dimse_timeout_s: 7, retry: {first_delay_s: 3}}
destinations:
  - {name: a, host: h, port: 1, ae_title: A, retry: {max_delay_s: 9}}
  - {name: b, host: h, port: 1, ae_title: B, calling_ae_title: US, dimse_timeout_s: 8}
"""
    first, second = load(text).destinations
    assert (first.dimse_timeout_s, first.retry.first_delay_s, first.retry.max_delay_s) == (7, 3, 9)
    assert (second.dimse_timeout_s, second.calling_ae_title) == (8, "US")
    assert first.calling_ae_title == "TG263"


def test_a_single_text_stands_for_a_list_of_one(load):
    assert load("peers: {ae_titles: TPS, addresses: 10.1.0.0/16}").peers.addresses == [
        IPv4Network("10.1.0.0/16")
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("10.1.2.3", "10.1.2.3/32"),
        ("10.1.2.3/16", "10.1.0.0/16"),
        ("10.1.0.0/255.255.0.0", "10.1.0.0/16"),
        ("'fd00::1/8'", "fd00::/8"),
        ("'::1'", "::1/128"),
    ],
)
def test_an_address_or_a_network_may_be_written_in_every_usual_way(load, written, meant):
    assert load(f"peers: {{addresses: {written}}}").peers.addresses == [ip_network(meant)]


def test_the_digest_changes_with_a_setting_and_only_then(load):
    assert load("listen: {port: 104}").digest == load("# a comment\nlisten: {port: '104'}").digest
    assert load("listen: {port: 104}").digest != load("listen: {port: 105}").digest


def test_the_loaded_configuration_cannot_be_changed(load):
    with pytest.raises(ValueError, match="frozen"):
        load(ONE_DESTINATION).listen.port = 5


def test_objects_record_their_relabelling_and_hold_no_codes_unless_wanted_otherwise(load):
    write = load("").write
    assert (write.provenance, write.codes) == (True, False)
    write = load("write: {provenance: off, codes: yes}").write
    assert (write.provenance, write.codes) == (False, True)


def test_the_modifying_system_is_our_ae_title_where_not_given(load):
    assert load("listen: {ae_title: NODE7}").write.modifying_system == "NODE7"
    assert load("write:\n  modifying_system: TG-263 node, cellar\n").write.modifying_system == (
        "TG-263 node, cellar"
    )


@pytest.mark.parametrize("name", ["Köln", "a\\b", "x" * 65])
def test_a_modifying_system_must_fit_into_every_character_set(load, name):
    with pytest.raises(ConfigError, match="printable ASCII") as caught:
        load(f"write:\n  modifying_system: '{name}'\n")
    assert caught.value.where.line == 2


def test_a_destination_has_its_own_uid_policy_or_that_of_all(load):
    other = ONE_DESTINATION + "  - {name: b, host: h, port: 1, ae_title: A, uid_policy: new}\n"
    assert [each.uid_policy for each in load(other).destinations] == ["keep", "new"]
    all_new = "destination_defaults: {uid_policy: new}\n" + ONE_DESTINATION
    assert load(all_new).destinations[0].uid_policy == "new"
    with pytest.raises(ConfigError, match="uid_policy"):
        load("destination_defaults: {uid_policy: other}\n")


@pytest.mark.parametrize(
    "host",
    [
        "http://10.0.0.5:11434",
        "https://ollama.example.org",
        "http://localhost.example.org",
        "http://0.0.0.0:11434",
    ],
)
def test_a_model_on_another_computer_must_be_allowed(load, host):
    with pytest.raises(ConfigError, match="ROI names would leave this computer") as caught:
        load(f"llm:\n  samples: 3\n  host: {host}\n")
    assert caught.value.where.line == 3
    assert "allow_remote: yes" in caught.value.hint
    assert not load(f"llm: {{host: '{host}', allow_remote: yes}}").llm.host_is_local


@pytest.mark.parametrize(
    "host", ["http://localhost:11434", "http://127.0.0.2:1", "https://[::1]:11434/ollama/"]
)
def test_loopback_is_this_computer(load, host):
    llm = load(f"llm: {{host: '{host}'}}").llm
    assert llm.host_is_local
    assert llm.host == host.rstrip("/")


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "glm-4.6:cloud"])
def test_a_model_that_runs_in_the_cloud_must_be_allowed(load, model):
    with pytest.raises(ConfigError, match=r"llm\.model: .*ROI names would leave this computer"):
        load(f"llm: {{model: '{model}'}}")
    with pytest.raises(ConfigError, match=r"llm\.embed_model"):
        load(f"llm: {{embed_model: '{model}'}}")
    assert load(f"llm: {{model: '{model}', allow_remote: yes}}").llm.model == model


def test_a_secret_header_is_in_no_text_and_no_digest(load):
    config = load("llm: {headers: ['Authorization:  Bearer s3cret']}")
    assert config.llm.headers == ["Authorization: Bearer s3cret"]
    assert "s3cret" not in repr(config) + config.model_dump_json()
    assert config.digest == load("").digest


def test_what_is_wrong_with_a_secret_header_is_said_without_it(load):
    with pytest.raises(ConfigError) as caught:
        load("llm: {headers: ['Authorization: Bearer s3cret\u00e9']}")
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"


def test_files_of_the_model_section_have_their_folders(load, tmp_path):
    text = "llm: {host: 'https://127.0.0.1', ca_file: ca.pem, cert_file: us.pem, key_file: keys/us.key}"
    llm = load(text).llm
    assert (llm.ca_file, llm.cert_file) == (tmp_path / "ca.pem", tmp_path / "us.pem")
    assert llm.key_file == tmp_path / "keys" / "us.key"
    assert llm.cache_file == tmp_path / "spool" / "llm.sqlite"
    assert load("").llm.ca_file is None


def test_metrics_are_off_without_a_port(load):
    assert load("").metrics.port is None
    assert load("metrics: {port: 0}").metrics.port == 0
