"""What the platform reads from a media file, under the platform's names.

Facts: the platform's API reference, v1.3, assets, read 2026-11.
"""

from datetime import datetime

from attrs import frozen


@frozen
class VideoStream:
    """One video stream of a file; ``fps`` in frames a second, ``bitrate_bps`` in bits a second."""

    index: int | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    avg_fps: float | None = None
    duration_seconds: float | None = None
    bitrate_bps: int | None = None
    rotation: int | None = None
    pixel_aspect_ratio: str | None = None
    display_aspect_ratio: str | None = None
    scan_type: str | None = None
    pixel_format: str | None = None
    bit_depth: int | None = None
    color_range: str | None = None
    color_transfer: str | None = None
    color_space: str | None = None
    color_primaries: str | None = None


@frozen
class AudioStream:
    """One audio stream of a file; ``sample_rate`` in hertz, ``bitrate_bps`` in bits a second."""

    index: int | None = None
    codec: str | None = None
    codec_long: str | None = None
    sample_rate: int | None = None
    bit_depth: int | None = None
    channels: int | None = None
    channel_layout: str | None = None
    bitrate_bps: int | None = None
    language: str | None = None
    duration_seconds: float | None = None


@frozen
class TechnicalMetadata:
    """What was read from a media file; the platform has it once the asset is not processing."""

    file_size_bytes: int | None = None
    file_mime_type: str | None = None
    file_container_format: str | None = None
    container_creation_time: datetime | None = None
    video_streams: tuple[VideoStream, ...] = ()
    video_codec: str | None = None
    video_width: int | None = None
    video_height: int | None = None
    video_fps: float | None = None
    video_duration_seconds: float | None = None
    video_bitrate_bps: int | None = None
    audio_streams: tuple[AudioStream, ...] = ()
    audio_codec: str | None = None
    audio_sample_rate: int | None = None
    audio_channels: int | None = None
    audio_duration_seconds: float | None = None
    start_timecode: str | None = None
    timecode_source: str | None = None
    drop_frame: bool | None = None
    image_width: int | None = None
    image_height: int | None = None
    image_format: str | None = None
    image_orientation: int | None = None
    image_color_space: str | None = None
    image_bit_depth: int | None = None
    is_hdr: bool | None = None
    has_audio: bool | None = None
    has_alpha: bool | None = None
    is_animated: bool | None = None
    total_video_streams: int | None = None
    total_audio_streams: int | None = None
    storage_aspect_ratio: float | None = None
    geospatial_latitude: float | None = None
    geospatial_longitude: float | None = None
    geospatial_altitude_meters: float | None = None
