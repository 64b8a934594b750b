"""Ask the desk what the structures of a plan should be called, before the plan is approved.

    export TG263_TOKEN=...                      # of `tg263-scp desk add-token`
    python name_structures.py https://desk.clinic.example:8263 --site prostate "Blase" "rechter Hueftkopf" PTV_60

Needs Python 3.8 and nothing else, so that it can be copied into a script of the planning system. There the names come from
the plan instead of the command line, and go back into it:

    RayStation (in its own Python):
        case = connect.get_current("Case")
        rows = [{"original_name": roi.Name, "roi_type": roi.Type} for roi in case.PatientModel.RegionsOfInterest]
        for answer in ask(address, token, rows, site="prostate"):
            if answer["status"] == "rename":
                case.PatientModel.RegionsOfInterest[answer["original_name"]].Name = answer["standard_name"]

    Eclipse (ESAPI, through pythonnet; write access and an unapproved structure set are needed):
        rows = [{"original_name": s.Id, "roi_type": s.DicomType} for s in structure_set.Structures]
        for answer in ask(address, token, rows, site="prostate"):
            if answer["status"] == "rename":
                next(s for s in structure_set.Structures if s.Id == answer["original_name"]).Id = answer["standard_name"]

Change a name only where the answer says ``rename``. What says ``review`` is for a person: it stays as it is.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request


def ask(address, token, rows, site="", timeout_s=30.0):
    """Return what becomes of each name, in the order of ``rows``: ``original_name`` with ``roi_type`` and ``site`` if known.

    ``site`` is that of the whole set; one in a row wins over it.
    """
    request = urllib.request.Request(
        address.rstrip("/") + "/api/v1/names",
        data=json.dumps({"site": site, "names": rows}).encode("utf-8"),
        headers={"Content-Type": "application/json", "Authorization": "Bearer " + token},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return json.load(answer)["names"]
    except urllib.error.HTTPError as problem:
        text = problem.read().decode("utf-8", "replace")
        raise SystemExit(f"the desk answers {problem.code}: {text}") from problem


def main():
    """Ask about the names of the command line."""
    parser = argparse.ArgumentParser(description="Ask a tg263-scp desk for TG-263 names.")
    parser.add_argument("address", help="such as https://desk.clinic.example:8263")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--site", default="", help="treatment site, such as head_and_neck")
    options = parser.parse_args()
    token = os.environ.get("TG263_TOKEN", "")
    rows = [{"original_name": name} for name in options.names]
    for answer in ask(options.address, token, rows, options.site):
        offered = ", ".join(answer["candidates"][:5])
        said = answer["standard_name"] or "for review" + (": " + offered if offered else "")
        sys.stdout.write(f"{answer['status']:6}  {answer['original_name']} -> {said}\n")


if __name__ == "__main__":
    main()
