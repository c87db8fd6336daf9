"""Name the endpoint of a request, and the session or asset in its path. Pure."""

from attrs import frozen

API_VERSION = "v1.3"
ASSETS = f"/{API_VERSION}/assets"
UPLOADS = f"{ASSETS}/multipart-uploads"

_UPLOADS = {("POST", ""): "report", ("GET", ""): "status"}
_UPLOADS["POST", "presigned-urls"] = "presigned_urls"
_ASSETS = {
    ("GET", ""): "asset",
    ("DELETE", ""): "delete_asset",
    ("GET", "transcription"): "transcription",
    ("PATCH", "user-metadata"): "update_metadata",
    ("PUT", "user-metadata"): "replace_metadata",
    ("DELETE", "user-metadata"): "delete_metadata",
}
_WHOLE = {
    ("POST", UPLOADS): "create",
    ("GET", UPLOADS): "list",
    ("POST", ASSETS): "create_asset",
    ("GET", ASSETS): "list_assets",
}

API_ROUTES = (*_WHOLE.values(), *_UPLOADS.values(), *_ASSETS.values())
"""The names of all endpoints, for scripts of faults and the log of requests."""


@frozen
class Target:
    """The name of an endpoint, and the session or the asset that the path names."""

    route: str
    upload_id: str | None = None
    asset_id: str | None = None


UNKNOWN = Target("unknown")


def target(method: str, path: str) -> Target:
    """Name the endpoint; a wrong method is an unknown path."""
    if path in {UPLOADS, ASSETS}:
        return Target(_WHOLE.get((method, path), "unknown"))
    if path.startswith(f"{UPLOADS}/"):
        upload_id, _, rest = path.removeprefix(f"{UPLOADS}/").partition("/")
        return Target(_UPLOADS.get((method, rest), "unknown"), upload_id=upload_id)
    asset_id, slash, rest = path.removeprefix(f"{ASSETS}/").partition("/")
    if not path.startswith(f"{ASSETS}/") or not asset_id or (slash and not rest):
        return UNKNOWN
    return Target(_ASSETS.get((method, rest), "unknown"), asset_id=asset_id)
