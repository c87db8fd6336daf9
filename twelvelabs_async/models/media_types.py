"""Guess which of the platform's three types a file has, by its name.

Our own table comes first, because ``mimetypes`` knows other extensions in each version of Python
and, by the system's list, on each machine. Without such a list it knows neither mkv, m4v, flac nor
m4a (Python 3.11), and takes ``.mpa`` for video and ``.3gp`` for audio; with one, ``.ts`` may be a
translation.
"""

import mimetypes

from twelvelabs_async.models.uploads import CreateAssetUploadRequestType

_EXTENSIONS: dict[CreateAssetUploadRequestType, str] = {
    "video": """
        264 265 3g2 3gp 3gp2 3gpp 3gpp2 amv asf av1 avc avi avs2 avs3 bik bk2 cavs cdxl dif divx drc
        dv dvr-ms evo f4p f4v fli flc flv gxf h261 h263 h264 h265 h266 hevc ivf ismv lrv lvf m1v m2p
        m2t m2ts m2v m4s m4v mj2 mjp2 mjpeg mjpg mk3d mkv mng mov movie mp4 mp4v mpe mpeg mpeg1
        mpeg2 mpeg4 mpg mpg2 mpg4 mpv mpv2 mqv mts mxf mxg nsv nut nuv obu ogm ogv ogx qt rm rmvb
        roq rv smk tod tp trp ts usm vc1 vfw vivo vob vro vvc webm wm wmv wtv xesc xmv xvid y4m yuv
    """,
    "audio": """
        3ga aa aa3 aac aax ac3 ac4 adts adx aif aifc aiff alac amr aob ape apl aptx aptxhd ast au
        awb bwf caf dff dsf dss dts dtshd eac3 ec3 f4a f4b flac g722 g723_1 g726 g729 gsm ircam isma
        l16 lc3 loas m4a m4b m4p m4r mka mlp mp1 mp2 mp3 mpa mpc mpga mpp msv oga ogg oma omg opus
        paf qcp ra rf64 sbc shn snd sox spdif spx tak thd truehd tta voc vqf w64 wav wave weba wma
        wv xma xwma
    """,
    "image": """
        apng arw avif avifs bmp bpg cin cr2 cr3 cur dcx dds dib dng dpx emf exr fits gif hdr heic
        heics heif heifs hif ico j2c j2k jfif jif jls jp2 jpc jpe jpeg jpf jpg jpx jxl jxr nef nrw
        orf pam pbm pcd pcx pef pfm pgm pgmyuv phm pict pjp pjpeg png pnm ppm psb psd ptx qoi raf
        ras rw2 sgi sr2 srw svg svgz tga tif tiff vbn wbmp wdp webp wmf xbm xcf xpm xwd
    """,
}
_TYPES: dict[str, CreateAssetUploadRequestType] = {
    extension: kind for kind, words in _EXTENSIONS.items() for extension in words.split()
}


def asset_type(filename: str) -> CreateAssetUploadRequestType | None:
    """Return the type of a file by its ``filename``, a name or a path; None if that does not say.

    Only the last extension counts; its case does not matter. The platform looks into the file, and
    may refuse it all the same.
    """
    _, dot, extension = filename.lower().rpartition(".")
    if not dot:
        return None
    return _TYPES.get(extension) or _guess(extension)


def is_document(filename: str) -> bool:
    """Whether the file called ``filename`` is a document, which goes in one request only.

    Documents are PDF, plain text and Markdown (API reference, v1.3, "Create an asset", 2026-11).
    """
    return filename.lower().endswith((".pdf", ".txt", ".text", ".md", ".markdown"))


def _guess(extension: str) -> CreateAssetUploadRequestType | None:
    mime_type, encoding = mimetypes.guess_type(f"file.{extension}")
    family = (mime_type or "").partition("/")[0]
    return next((kind for kind in _EXTENSIONS if kind == family and encoding is None), None)
