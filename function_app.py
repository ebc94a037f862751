"""The function app: registers the blueprints, nothing else."""

import azure.functions as func

from reactor.functions import blueprint as reactor
from reconciler.functions import blueprint as reconciler
from status.functions import blueprint as status

app = func.FunctionApp()
for blueprint in (reactor, reconciler, status):
    app.register_functions(blueprint)
