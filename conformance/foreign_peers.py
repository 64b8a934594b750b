"""The foreign peers that receive: DCMTK's storescp and dcmrecv, and Orthanc, each on free ports of the loopback interface."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from processes import DEADLINE_S, HOST, Running, echo, free_port, is_open, program, run
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom.sop_class import Verification
from serving_node import ServingNode
from specimens import SOP_CLASSES

ACCEPT_ALL = ("+xa",)
"""storescp's option for every transfer syntax that DCMTK knows."""

ENCODINGS = {
    "implicit": ("+ti", "-xi", ImplicitVRLittleEndian),
    "explicit": ("+te", "-xe", ExplicitVRLittleEndian),
    "big-endian": ("+tb", "-xb", ExplicitVRBigEndian),
    "deflated": ("+td", "-xd", DeflatedExplicitVRLittleEndian),
}
"""dcmconv's option, storescu's option, and the transfer syntax they stand for."""


EVERY_SYNTAX = (
    *("LittleEndianExplicit", "BigEndianExplicit", "LittleEndianImplicit", "DeflatedLittleEndianExplicit"),
    *("JPEGBaseline", "JPEGLossless:Non-hierarchical-1stOrderPrediction", "JPEGLSLossless", "RLELossless"),
)
"""Transfer syntaxes by the names that DCMTK's association profiles give them."""


class DcmtkReceiver(Running):
    """DCMTK's ``storescp`` or ``dcmrecv``, writing data sets bit for bit as they came (``+B``); only dcmrecv takes just
    some ``syntaxes``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        command: str = "storescp",
        port: int = 0,
        syntaxes: Sequence[str] = EVERY_SYNTAX,
    ) -> None:
        super().__init__(command, folder.parent)
        self.folder = folder
        self.command = command
        self.syntaxes = syntaxes
        self.port = port or free_port()
        self.ae_title = command.upper()

    def start(self, *options: object, answers: bool = True) -> DcmtkReceiver:
        """Start it, with other options of its own than to accept everything where given.

        ``answers`` is false where the options make it refuse everybody: then only its port has to be open.
        """
        self.folder.mkdir(exist_ok=True)
        if self.command == "dcmrecv":
            options = ("-xf", self._profile(), "Default", *options)
        fixed = ("-aet", self.ae_title, "-od", self.folder, "+B")
        ready = (lambda: echo(self.port, self.ae_title)) if answers else (lambda: is_open(self.port))
        path = program(self.command)
        self._launch([path, *fixed, *(options or ACCEPT_ALL), self.port], ready)
        return self

    def _profile(self) -> Path:
        """Write the association profile without which dcmrecv takes nothing but C-ECHO."""
        lines = ["[[TransferSyntaxes]]", "[Echo]", "TransferSyntax1 = LittleEndianImplicit", "[Taken]"]
        lines += [
            f"TransferSyntax{number} = {syntax}" for number, syntax in enumerate(self.syntaxes, start=1)
        ]
        lines += ["[[PresentationContexts]]", "[Storage]", f"PresentationContext1 = {Verification}\\Echo"]
        lines += [
            f"PresentationContext{number} = {uid}\\Taken" for number, uid in enumerate(SOP_CLASSES, start=2)
        ]
        lines += ["[[Profiles]]", "[Default]", "PresentationContexts = Storage", ""]
        profile = self.folder.parent / "dcmrecv.cfg"
        profile.write_text("\n".join(lines))
        return profile

    def clear(self) -> None:
        """Remove what it holds."""
        for path in self.files().values():
            path.unlink()

    def files(self) -> dict[str, Path]:
        """Return what it holds, by SOP Instance UID (its file names are ``<modality>.<UID>``)."""
        found = sorted(self.folder.iterdir()) if self.folder.exists() else []
        return {path.name.partition(".")[2]: path for path in found}

    def as_destination(self, name: str = "receiver") -> dict[str, Any]:
        """Return it as an entry of ``destinations``."""
        return {"name": name, "host": HOST, "port": self.port, "ae_title": self.ae_title}


class Orthanc(Running):
    """An Orthanc of our own: no plugins, REST without password for this computer, DICOM for the listed AE titles only.

    ``more`` are settings of Orthanc's own.
    """

    ae_title = "ORTHANC"

    def __init__(self, folder: Path, *, overwrite: bool, **more: Any) -> None:
        super().__init__("Orthanc", folder)
        self.port, self._rest_port = free_port(), free_port()
        (folder / "storage").mkdir()
        callers = ("TG263", "DCMSEND", "STORESCU", "MOVESCU")
        self._settings = folder / "orthanc.json"
        self._settings.write_text(
            json.dumps(
                {
                    "Name": "conformance",
                    "StorageDirectory": str(folder / "storage"),
                    "IndexDirectory": str(folder / "storage"),
                    "Plugins": [],
                    "HttpPort": self._rest_port,
                    "RemoteAccessAllowed": False,
                    "AuthenticationEnabled": False,
                    "DicomAet": self.ae_title,
                    "DicomPort": self.port,
                    "DicomCheckModalityHost": True,
                    "DicomAlwaysAllowStore": False,
                    "DicomModalities": {title: [title, HOST, 104] for title in callers},
                    "OverwriteInstances": overwrite,
                    "SaveJobs": False,
                    **more,
                }
            )
        )

    def start(self, *, answers: bool = True) -> Orthanc:
        """Start it and wait for both of its doors; ``answers`` is false where a plain C-ECHO is not answered."""
        ready = lambda: self._answers() and (not answers or echo(self.port, self.ae_title))  # noqa: E731
        self._launch([program("Orthanc"), self._settings], ready)
        return self

    def _answers(self) -> bool:
        try:
            return bool(self.rest("GET", "/system")["Version"])
        except OSError:
            return False

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """Make a REST call and return the body of the answer.

        Raises:
            OSError: it cannot be reached.
        """
        connection = http.client.HTTPConnection(HOST, self._rest_port, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            connection.request(
                method, path, body if isinstance(body, str | bytes | None) else json.dumps(body)
            )
            answer = connection.getresponse()
            content = answer.read()
        assert answer.status == 200, f"{method} {path}: {answer.status} {content!r}"
        return content

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """Make a REST call and return its JSON."""
        return json.loads(self.request(method, path, body) or b"null")

    def know_node(self, node: ServingNode) -> None:
        """Enter the node as a modality that objects can be sent to."""
        self.request("PUT", "/modalities/TG263", [node.ae_title, HOST, node.port])

    def clear(self) -> None:
        """Delete everything."""
        for patient in self.rest("GET", "/patients"):
            self.request("DELETE", f"/patients/{patient}")
        self.request("DELETE", "/changes")

    def instances(self) -> dict[str, str]:
        """Return Orthanc's own identifiers by SOP Instance UID."""
        found = self.rest("GET", "/instances?expand")
        return {each["MainDicomTags"]["SOPInstanceUID"]: each["ID"] for each in found}

    def file(self, sop_instance_uid: str, target: Path) -> Path:
        """Read an object back into a file."""
        target.write_bytes(self.request("GET", f"/instances/{self.instances()[sop_instance_uid]}/file"))
        return target

    def roi_names(self, sop_instance_uid: str) -> list[str]:
        """Return the ROI names of a structure set as Orthanc understands them."""
        tags = self.rest("GET", f"/instances/{self.instances()[sop_instance_uid]}/tags")
        return [roi["3006,0026"]["Value"] or "" for roi in tags["3006,0020"]["Value"]]

    def order_of_arrival(self) -> list[str]:
        """Return the SOP Instance UIDs in the order in which the objects were stored."""
        uids = {identifier: uid for uid, identifier in self.instances().items()}
        changes = self.rest("GET", "/changes?limit=1000")["Changes"]
        return [uids[change["ID"]] for change in changes if change["ChangeType"] == "NewInstance"]

    def as_destination(self, name: str = "orthanc") -> dict[str, Any]:
        """Return it as an entry of ``destinations``."""
        return {"name": name, "host": HOST, "port": self.port, "ae_title": self.ae_title}


def dumped_names(path: Path) -> list[str]:
    """Return the ROI names that DCMTK's ``dcmdump`` shows."""
    said = run("dcmdump", "+p", "+P", "3006,0026", "+L", path).stdout
    place = "(3006,0020).(3006,0026)"  # not those that Original Attributes Sequence holds
    shown = re.compile(re.escape(place) + r" LO (?:\[(?P<text>.*)\]|\(no value available\)) +#")
    names = [shown.match(line.strip()) for line in said.splitlines() if line.strip().startswith(place)]
    return [(match["text"] or "").rstrip() if match else "?" for match in names]


def findings(path: Path) -> list[str]:
    """Return the errors and warnings of dicom3tools' ``dciodvfy``; it cannot inflate a deflated data set."""
    said = run("dciodvfy", path, check=False).stdout.replace(str(path), "")
    assert "Information Object Not found" not in said, f"dciodvfy could not read {path.name}"
    return [line for line in said.splitlines() if line.startswith(("Error", "Warning"))]
