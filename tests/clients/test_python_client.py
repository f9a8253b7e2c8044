"""The unmodified `supabase` package of PyPI, pointed at the gateway with its anonymous key."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from postgrest import APIError
from supabase import Client, ClientOptions, create_client
from supabase_auth.errors import AuthApiError

from tests.clients.conftest import APPLICATION, PASSWORD, Scene
from tests.gateway.door import Mail, queued_mails


def connect(scene: Scene, flow_type: str = "implicit") -> Client:
    options = ClientOptions(auto_refresh_token=False, flow_type=flow_type)  # type: ignore[arg-type]
    return create_client(scene.gateway.url, scene.gateway.anon_key, options)


def newest_mail(scene: Scene) -> Mail:
    return queued_mails(scene.world, scene.email)[-1]


def notes(client: Client, scene: Scene) -> Any:
    rows = client.table("events").select("id, notes").eq("id", str(scene.event_id)).execute().data
    return [row["notes"] for row in rows]  # type: ignore[index,call-overload]


def is_refused(scene: Scene, access_token: str) -> bool:
    answers = [
        httpx.request(
            method,
            f"{scene.gateway.url}/rest/v1/{path}",
            headers={"apikey": scene.gateway.anon_key, "authorization": f"Bearer {access_token}"},
            trust_env=False,
        )
        for method, path in (("GET", "events?select=id"), ("POST", "rpc/me"))
    ]
    return all(answer.status_code == 401 for answer in answers)


def test_by_password_it_reads_writes_calls_refreshes_and_signs_out(scene: Scene) -> None:
    client = connect(scene)
    with pytest.raises(AuthApiError) as refused:
        client.auth.sign_in_with_password({"email": scene.email, "password": "wrong password"})
    assert (refused.value.status, refused.value.code) == (400, "invalid_credentials")

    signed_in = client.auth.sign_in_with_password({"email": scene.email, "password": PASSWORD})
    assert signed_in.session is not None
    (me,) = client.rpc("me").execute().data
    assert me["organization_id"] == str(scene.organization_id)
    assert notes(client, scene) != ["written by Python"]
    client.table("events").update({"notes": "written by Python"}).eq(
        "id", str(scene.event_id)
    ).execute()
    assert notes(client, scene) == ["written by Python"]

    refreshed = client.auth.refresh_session()
    assert refreshed.session is not None
    assert refreshed.session.refresh_token != signed_in.session.refresh_token
    assert client.rpc("me").execute().data == [me]
    assert client.auth.update_user({"data": {"nickname": "Py"}}).user.user_metadata == {
        "full_name": "ada",
        "nickname": "Py",
    }

    client.auth.sign_out()
    with pytest.raises(APIError) as signed_out:
        client.rpc("me").execute()
    assert signed_out.value.code == "42501"
    assert is_refused(scene, refreshed.session.access_token)
    with pytest.raises(AuthApiError) as over:
        client.auth.refresh_session(refreshed.session.refresh_token)
    assert over.value.code == "refresh_token_not_found"


def test_by_the_link_of_an_e_mail(scene: Scene) -> None:
    client = connect(scene)
    client.auth.sign_in_with_otp({"email": scene.email})
    link = {"token_hash": newest_mail(scene).token_hash, "type": "magiclink"}
    signed_in = client.auth.verify_otp(link)  # type: ignore[arg-type]
    assert signed_in.user is not None
    assert signed_in.user.email == scene.email
    assert len(client.rpc("me").execute().data) == 1
    with pytest.raises(AuthApiError) as spent:
        connect(scene).auth.verify_otp(link)  # type: ignore[arg-type]
    assert spent.value.code == "invalid_credentials"


def test_by_the_code_of_an_e_mail(scene: Scene) -> None:
    client = connect(scene)
    client.auth.sign_in_with_otp({"email": scene.email})
    client.auth.verify_otp(
        {"email": scene.email, "token": newest_mail(scene).code, "type": "email"}
    )
    assert len(client.rpc("me").execute().data) == 1


def test_by_a_link_that_leads_back_with_a_code(scene: Scene) -> None:
    client = connect(scene, "pkce")
    client.auth.sign_in_with_otp(
        {"email": scene.email, "options": {"email_redirect_to": f"{APPLICATION}/welcome"}}
    )
    pressed = httpx.post(
        f"{scene.gateway.url}/auth/v1/verify",
        data=newest_mail(scene).fragment,
        trust_env=False,
    )
    assert pressed.status_code == 303
    back = urlsplit(pressed.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == f"{APPLICATION}/welcome"
    client.auth.exchange_code_for_session({"auth_code": parse_qs(back.query)["code"][0]})  # type: ignore[typeddict-item]
    assert len(client.rpc("me").execute().data) == 1


def test_signing_out_everywhere_ends_every_client(scene: Scene) -> None:
    here, there = connect(scene), connect(scene)
    for client in (here, there):
        client.auth.sign_in_with_password({"email": scene.email, "password": PASSWORD})
    elsewhere = there.auth.get_session()
    assert elsewhere is not None
    here.auth.sign_out({"scope": "global"})
    assert is_refused(scene, elsewhere.access_token)


def test_a_forgotten_password_is_replaced(scene: Scene) -> None:
    client = connect(scene)
    client.auth.reset_password_for_email(scene.email)
    mail = newest_mail(scene)
    assert mail.link.startswith(f"{scene.gateway.url}/new-password#")
    client.auth.verify_otp({"token_hash": mail.token_hash, "type": "recovery"})
    client.auth.update_user({"password": "a new password"})
    connect(scene).auth.sign_in_with_password({"email": scene.email, "password": "a new password"})
    with pytest.raises(AuthApiError):
        connect(scene).auth.sign_in_with_password({"email": scene.email, "password": PASSWORD})
    client.auth.update_user({"password": PASSWORD})
