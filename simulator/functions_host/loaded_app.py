"""Microsoft's Python worker library, driven in this process as its proxy drives it in Azure."""

import os
import sys
import time
import uuid
from collections.abc import Sequence
from logging import getLogger
from pathlib import Path
from types import SimpleNamespace

import azure_functions_runtime as runtime

from simulator.functions_host import protos
from simulator.functions_host.functions import AppStartError, Function, Outcome
from simulator.functions_host.invocation_log import invocation

_log = getLogger("host.invocations")


class LoadedApp:
    """One function app. The worker library keeps it in module globals: a process can run one app, once."""

    def __init__(self, app_directory: Path) -> None:
        self._app_directory = app_directory

    async def start(self) -> Sequence[protos.RpcFunctionMetadata]:
        """Import the app, and say which functions it has.

        Raises:
            AppStartError: it cannot be imported or indexed, or it has no functions.
        """
        os.chdir(self._app_directory)
        sys.path.insert(0, str(self._app_directory))
        runtime.start_threadpool_executor()
        request = protos.WorkerInitRequest(function_app_directory=str(self._app_directory))
        initialised: protos.WorkerInitResponse = await runtime.worker_init_request(_envelope(request))
        if error := initialised.result.exception:
            raise AppStartError(f"{error.message}\n{error.stack_trace}".rstrip())
        indexed: protos.FunctionMetadataResponse = await runtime.functions_metadata_request(_envelope())
        if not indexed.function_metadata_results:
            raise AppStartError(f"no functions found: is there a function_app.py in {self._app_directory}?")
        return indexed.function_metadata_results

    async def invoke(self, function: Function, data: protos.TypedData) -> Outcome:
        """Call the function with `data` as its trigger's parameter; what it raises is logged."""
        request = protos.InvocationRequest(
            invocation_id=str(uuid.uuid4()),
            function_id=function.id,
            input_data=[protos.ParameterBinding(name=function.parameter, data=data)],
            trace_context=protos.RpcTraceContext(
                trace_parent=f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
            ),
        )
        started = time.perf_counter()
        with invocation(request.invocation_id):
            response: protos.InvocationResponse = await runtime.invocation_request(_envelope(request))
        _log_outcome(function.name, response.result, time.perf_counter() - started)
        succeeded = response.result.status == protos.StatusResult.Success
        return Outcome(succeeded=succeeded, value=response.return_value)


def _envelope(
    content: protos.WorkerInitRequest | protos.InvocationRequest | None = None,
) -> SimpleNamespace:
    """A request as the proxy worker wraps it; the message types travel with it."""
    message = protos.StreamingMessage(request_id=str(uuid.uuid4()))
    if isinstance(content, protos.WorkerInitRequest):
        message.worker_init_request = content
    elif isinstance(content, protos.InvocationRequest):
        message.invocation_request = content
    return SimpleNamespace(request=message, properties={"protos": protos, "host": "127.0.0.1"})


def _log_outcome(name: str, result: protos.StatusResult, seconds: float) -> None:
    took = f"{seconds * 1000:.0f} ms"
    if result.exception is None:
        _log.info("Executed 'Functions.%s' (Succeeded, %s)", name, took)
    else:
        error = result.exception
        _log.error(
            "Executed 'Functions.%s' (Failed, %s): %s\n%s", name, took, error.message, error.stack_trace
        )
