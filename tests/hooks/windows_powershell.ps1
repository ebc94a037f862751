# What Windows PowerShell 5.1 would not understand in a script, by the syntax tree of PowerShell's own parser: a line each.
# And what an `az` that is a batch file would misread: cmd's own characters in an argument.
param([string[]]$Path)
Set-StrictMode -Version 2

$newCommands = 'Join-String', 'Test-Json', 'Get-Error', 'ConvertFrom-Markdown', 'Get-Uptime'
$newParameters = 'Parallel', 'ThrottleLimit', 'AsHashtable', 'AsArray', 'LeafBase', 'SkipHttpErrorCheck', 'AsByteStream', 'AsUTC', 'StatusCodeVariable'
$newVariables = 'IsWindows', 'IsLinux', 'IsMacOS', 'IsCoreCLR', 'PSStyle', 'PSNativeCommandUseErrorActionPreference', 'PSNativeCommandArgumentPassing'
$newMethods = 'GetRelativePath', 'HashData', 'ToHexString', 'EndsWithAny'
$newTokens = 'QuestionQuestion', 'QuestionQuestionEquals', 'QuestionDot', 'QuestionLBracket', 'QuestionMark', 'AndAnd', 'OrOr'

# What of a node is too new; nothing where it is not.
function Get-TooNew($node) {
    $type = $node.GetType().Name
    switch ($type) {
        'TernaryExpressionAst' { return 'ternary' }
        'PipelineChainAst' { return 'pipeline chain' }
        'PipelineAst' { if ($node.Background) { return 'background pipeline' } }
        'BinaryExpressionAst' { if ("$($node.Operator)" -in $newTokens) { return "$($node.Operator)" } }
        'AssignmentStatementAst' { if ("$($node.Operator)" -in $newTokens) { return "$($node.Operator)" } }
        'MemberExpressionAst' { if ($node.NullConditional) { return 'null-conditional member' } }
        'InvokeMemberExpressionAst' {
            if ($node.NullConditional) { return 'null-conditional method' }
            $name = "$($node.Member)"
            if ($name -in $newMethods) { return "method $name" }
            # .NET Framework has no Split(string): it takes each letter for a separator.
            if ($name -eq 'Split' -and "$($node.Arguments[0])".Trim("'").Length -gt 1 -and "$($node.Arguments[0])" -notmatch '^"`.?"$') {
                return "Split of $($node.Arguments[0])"
            }
        }
        'IndexExpressionAst' { if ($node.NullConditional) { return 'null-conditional index' } }
        'VariableExpressionAst' { if ($node.VariablePath.UserPath -in $newVariables) { return "`$$($node.VariablePath.UserPath)" } }
        'CommandParameterAst' { if ($node.ParameterName -in $newParameters) { return "-$($node.ParameterName)" } }
        'CommandAst' { if ($node.GetCommandName() -in $newCommands) { return $node.GetCommandName() } }
        'ScriptBlockAst' { if ($node.PSObject.Properties['CleanBlock'] -and $node.CleanBlock) { return 'clean block' } }
    }
    if ($type -eq 'CommandAst' -and $node.GetCommandName() -in 'az', 'Invoke-Az', 'Invoke-Arm') {
        foreach ($argument in $node.CommandElements) {
            $texts = $argument.FindAll({ $args[0].GetType().Name -match '^(StringConstant|ExpandableString)ExpressionAst$' }, $true)
            foreach ($text in $texts) { if ($text.Value -match '[&|<>^%"]|[()]' -and $text.Value -notmatch '\$\(') { return "cmd misreads $($text.Extent.Text)" } }
        }
    }
}

foreach ($file in $Path) {
    $errors = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseFile($file, [ref]$null, [ref]$errors)
    foreach ($each in $errors) { "${file}:$($each.Extent.StartLineNumber): $($each.Message)" }
    foreach ($node in $tree.FindAll({ $true }, $true)) {
        $what = Get-TooNew $node
        if ($what) { "${file}:$($node.Extent.StartLineNumber): $what" }
    }
}
