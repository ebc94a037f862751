# Runs one script after the other, so that PowerShell starts once: a line of JSON on stdin says which, with which arguments and
# environment variables; a line of JSON on stdout says how it ended.
while ($line = [Console]::In.ReadLine()) {
    $job = ConvertFrom-Json $line
    $names = $job.variables.PSObject.Properties.Name
    $before = @{}
    foreach ($name in $names) {
        $before[$name] = [Environment]::GetEnvironmentVariable($name)
        Set-Item "env:$name" $job.variables.$name
    }
    $global:LASTEXITCODE = 0
    $code = $null
    $arguments = @($job.arguments)
    try { $output = @(& $job.script @arguments *>&1 | ForEach-Object { "$_" }) }
    catch {
        $output += "$_"
        $code = 1
    }
    if ($null -eq $code) { $code = $LASTEXITCODE }
    foreach ($name in $names) { Set-Item "env:$name" $before[$name] }
    [Console]::Out.WriteLine((ConvertTo-Json -Compress @{ code = $code; output = ($output -join "`n") }))
}
