"""The unmodified `@supabase/supabase-js` of npm, pointed at the gateway with its anonymous key."""

import json
import subprocess
from pathlib import Path

from tests.clients.conftest import APPLICATION, PASSWORD, Scene
from tests.clients.nodejs import nodejs
from tests.gateway.door import queued_mails


def test_it_signs_in_in_four_ways_reads_writes_and_is_refused_after_signing_out(
    scene: Scene, project: Path
) -> None:
    given = {
        "url": scene.gateway.url,
        "anonKey": scene.gateway.anon_key,
        "email": scene.email,
        "password": PASSWORD,
        "eventId": str(scene.event_id),
        "redirectTo": f"{APPLICATION}/welcome",
    }
    with subprocess.Popen(
        nodejs("node", "drive.mjs", json.dumps(given)),
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        seen: dict[str, object] = {}
        for line in process.stdout:
            seen = json.loads(line)
            if seen.get("need") == "mail":
                mail = queued_mails(scene.world, scene.email)[-1]
                process.stdin.write(json.dumps({"link": mail.link, "code": mail.code}) + "\n")
                process.stdin.flush()
        complaints = process.stderr.read()
    assert process.returncode == 0, complaints
    assert seen["done"] is True
    (me,) = seen["me"]  # type: ignore[misc]
    assert me["organization_id"] == str(scene.organization_id)
    assert seen["after"] == {"id": str(scene.event_id), "notes": "written by JavaScript"}
    assert seen["before"] != seen["after"]
