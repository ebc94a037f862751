"""Stand-ins for the FunctionRpc messages that host and worker exchange.

`azure_functions_runtime` is handed the module of its message types by whoever drives it, so that plain
dataclasses can take the place of generated protobuf classes. Names and fields are the protocol's.

https://github.com/Azure/azure-functions-language-worker-protobuf/blob/dev/src/proto/FunctionRpc.proto
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar


@dataclass(kw_only=True)
class TypedData:
    """A value of one of several types: at most one field is set."""

    string: str | None = None
    json: str | None = None
    bytes: "bytes | None" = None
    int: "int | None" = None
    double: float | None = None
    http: "RpcHttp | None" = None

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802  # protobuf's name
        """The name of the field that is set."""
        return next((name for name, value in vars(self).items() if value is not None), None)


@dataclass(kw_only=True)
class ParameterBinding:
    """The value of one parameter of a function."""

    name: str = ""
    data: TypedData | None = None

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802  # protobuf's name
        """`data`; values in shared memory are not used."""
        return None if self.data is None else "data"


@dataclass(kw_only=True)
class RpcHttp:
    """An HTTP request on its way to the worker, or the response on its way back."""

    method: str = ""
    url: str = ""
    status_code: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: TypedData = field(default_factory=TypedData)
    cookies: "list[RpcHttpCookie] | None" = None
    enable_content_negotiation: bool = False


@dataclass(kw_only=True)
class NullableString:
    """A string that may be absent."""

    value: str


@dataclass(kw_only=True)
class NullableBool:
    """A bool that may be absent."""

    value: bool


@dataclass(kw_only=True)
class NullableDouble:
    """A number that may be absent."""

    value: float


@dataclass(kw_only=True)
class NullableTimestamp:
    """A time that may be absent."""

    value: Any


@dataclass(kw_only=True)
class RpcHttpCookie:
    """A cookie of a response."""

    class SameSite(IntEnum):
        """The SameSite attribute; `None` means unset."""

        Lax = 1
        Strict = 2
        ExplicitNone = 3

    name: str = ""
    value: str = ""
    domain: NullableString | None = None
    path: NullableString | None = None
    expires: NullableTimestamp | None = None
    secure: NullableBool | None = None
    http_only: NullableBool | None = None
    same_site: int = 0
    max_age: NullableDouble | None = None


# `None` is a keyword of Python, so that the worker reads this member by getattr.
setattr(RpcHttpCookie.SameSite, "None", 0)


@dataclass(kw_only=True)
class RpcException:
    """What a function raised."""

    message: str = ""
    stack_trace: str = ""
    source: str = ""


@dataclass(kw_only=True)
class StatusResult:
    """Whether a request succeeded."""

    Failure: ClassVar[int] = 0
    Success: ClassVar[int] = 1
    Cancelled: ClassVar[int] = 2

    status: int = 0
    exception: RpcException | None = None
    result: str = ""


@dataclass(kw_only=True)
class BindingInfo:
    """A binding's type and direction."""

    out: ClassVar[int] = 1
    inout: ClassVar[int] = 2
    undefined: ClassVar[int] = 0

    type: str = ""
    direction: int = 0
    data_type: int = 0


@dataclass(kw_only=True)
class RpcRetryOptions:
    """A function's retry policy; the host here knows timers', with a fixed delay."""

    max_retry_count: int = 0
    retry_strategy: Any = None
    delay_interval: Any = None
    minimum_interval: Any = None
    maximum_interval: Any = None


@dataclass(kw_only=True)
class RpcFunctionMetadata:
    """A function as the worker indexed it."""

    name: str
    function_id: str
    #: The bindings as function.json would hold them, each a JSON text.
    raw_bindings: list[str]
    directory: str = ""
    script_file: str = ""
    entry_point: str = ""
    language: str = ""
    is_proxy: bool = False
    managed_dependency_enabled: bool = False
    bindings: dict[str, BindingInfo] = field(default_factory=dict)
    retry_options: RpcRetryOptions | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class WorkerMetadata:
    """The worker's metadata."""

    runtime_name: str = ""
    runtime_version: str = ""
    worker_version: str = ""
    worker_bitness: str = ""
    custom_properties: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class WorkerInitRequest:
    """The first request: which app to load."""

    function_app_directory: str
    host_version: str = ""
    capabilities: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class WorkerInitResponse:
    """Whether the app could be loaded and indexed."""

    result: StatusResult
    capabilities: dict[str, str] = field(default_factory=dict)
    worker_metadata: WorkerMetadata | None = None


@dataclass(kw_only=True)
class FunctionMetadataResponse:
    """The functions of the app; None: it has no function_app.py."""

    result: StatusResult
    function_metadata_results: list[RpcFunctionMetadata] | None = None
    use_default_metadata_indexing: bool = False


@dataclass(kw_only=True)
class RpcTraceContext:
    """The W3C trace context of an invocation."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class RetryContext:
    """Which retry of an invocation it is."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: RpcException = field(default_factory=RpcException)


@dataclass(kw_only=True)
class InvocationRequest:
    """A call of a function."""

    invocation_id: str
    function_id: str
    input_data: list[ParameterBinding]
    trigger_metadata: dict[str, TypedData] = field(default_factory=dict)
    trace_context: RpcTraceContext = field(default_factory=RpcTraceContext)
    retry_context: RetryContext = field(default_factory=RetryContext)


@dataclass(kw_only=True)
class InvocationResponse:
    """What became of the call."""

    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: list[ParameterBinding] = field(default_factory=list)


@dataclass(kw_only=True)
class StreamingMessage:
    """The envelope of every request."""

    request_id: str
    worker_init_request: WorkerInitRequest | None = None
    invocation_request: InvocationRequest | None = None
