"""The platform's error codes, the values of ``ApiError.code``; later ones are members, too.

Facts: the platform's API reference, v1.3, error codes, read 2026-11. Some errors, such as those of
a validator, come without a code, as text: ``ApiError.message`` has the whole text.
"""

from twelvelabs_async.models.open_enum import OpenEnum


class ErrorCode(OpenEnum):
    """A code of the platform; it equals its text, such as ``"parameter_invalid"``."""

    CONTENT_TYPE_INVALID = "content_type_invalid"
    MULTIPART_BOUNDARY_MISSING = "multipart_boundary_missing"
    INVALID_MULTIPART = "invalid_multipart"
    PARAMETER_NOT_PROVIDED = "parameter_not_provided"
    PARAMETER_INVALID = "parameter_invalid"
    PARAMETER_UNKNOWN = "parameter_unknown"
    MEDIA_URL_UNSUPPORTED_FORMAT = "media_url_unsupported_format"
    MEDIA_URL_NOT_ACCESSIBLE = "media_url_not_accessible"
    MEDIA_URL_FILE_BROKEN = "media_url_file_broken"
    MEDIA_FILESIZE_TOO_LARGE = "media_filesize_too_large"
    VIDEO_FILE_BROKEN = "video_file_broken"
    VIDEO_FILE_LIVE = "video_file_live"
    VIDEO_RESOLUTION_TOO_LOW = "video_resolution_too_low"
    VIDEO_RESOLUTION_TOO_HIGH = "video_resolution_too_high"
    VIDEO_RESOLUTION_INVALID_ASPECT_RATIO = "video_resolution_invalid_aspect_ratio"
    VIDEO_DURATION_TOO_SHORT = "video_duration_too_short"
    VIDEO_DURATION_TOO_LONG = "video_duration_too_long"
    VIDEO_FILESIZE_TOO_LARGE = "video_filesize_too_large"
    AUDIO_FILE_BROKEN = "audio_file_broken"
    AUDIO_DURATION_TOO_SHORT = "audio_duration_too_short"
    AUDIO_DURATION_TOO_LONG = "audio_duration_too_long"
    AUDIO_FILESIZE_TOO_LARGE = "audio_filesize_too_large"
    AUDIO_FORMAT_UNSUPPORTED = "audio_format_unsupported"
    API_KEY_INVALID = "api_key_invalid"
    UNAUTHORIZED = "unauthorized"
    API_NOT_ALLOWED = "api_not_allowed"
    API_ALLOWED_FOR_PAID_PLAN = "api_allowed_for_paid_plan"
    REGION_NOT_ALLOWED = "region_not_allowed"
    RESOURCE_NOT_EXIST = "resource_not_exist"
    TOO_MANY_REQUESTS = "too_many_requests"
    REQUEST_CANCELED_OR_TIMED_OUT = "request_canceled_or_timed_out"
    API_UPGRADE_REQUIRED = "api_upgrade_required"
    TAGS_NOT_ALLOWED = "tags_not_allowed"
