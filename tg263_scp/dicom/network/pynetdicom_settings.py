"""Settings of pynetdicom that hold for the whole process; imported by whatever opens or accepts associations.

They are made at import because pynetdicom reads them when a server or an association is created.
"""

from __future__ import annotations

from pydicom import config as pydicom_config
from pynetdicom import _config

# Its own event log prints identifiers, and costs time for every PDU.
_config.LOG_HANDLER_LEVEL = "none"
# A calling AE title that is not ASCII would otherwise end the association instead of being refused or accepted.
_config.CODECS = ("ascii", "utf-8")
# send_c_store(path) then sends the bytes of the file as they are, instead of decoding and encoding them again.
_config.STORE_SEND_CHUNKED_DATASET = True
# A value of a received command that breaks the rules of its VR would be quoted in a warning.
pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE
