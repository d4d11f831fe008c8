# Installs Unspill from the folder of this script, or removes it:
#   powershell -ExecutionPolicy Bypass -File install.ps1 [-System] [-Uninstall]
param([switch]$System, [switch]$Uninstall)
$ErrorActionPreference = "Stop"

if ($System) {
    $administrator = [Security.Principal.WindowsBuiltInRole]::Administrator
    $user = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
    if (-not $user.IsInRole($administrator)) {
        Write-Error "-System needs an administrator's PowerShell"
    }
    $vst3 = Join-Path $env:COMMONPROGRAMFILES "VST3"
    $clap = Join-Path $env:COMMONPROGRAMFILES "CLAP"
    $bin = Join-Path $env:PROGRAMFILES "Unspill"
} else {
    $vst3 = Join-Path $env:LOCALAPPDATA "Programs\Common\VST3"
    $clap = Join-Path $env:LOCALAPPDATA "Programs\Common\CLAP"
    $bin = Join-Path $env:LOCALAPPDATA "Programs\Unspill"
}
$items = @(@("Unspill.vst3", $vst3), @("Unspill.clap", $clap), @("unspill.exe", $bin))

foreach ($item in $items) {
    $name, $folder = $item
    $place = Join-Path $folder $name
    if (Test-Path -LiteralPath $place) {
        Remove-Item -LiteralPath $place -Recurse -Force
        if ($Uninstall) { Write-Output "removed $place" }
    }
    if ($Uninstall) {
        # Removes the folders that the installation made, if nothing else is in them.
        while ((Test-Path -LiteralPath $folder) -and -not $System -and
            ($folder -ne $env:LOCALAPPDATA) -and -not (Get-ChildItem -LiteralPath $folder -Force)) {
            Remove-Item -LiteralPath $folder
            $folder = Split-Path $folder
        }
    } else {
        New-Item -ItemType Directory -Force -Path $folder | Out-Null
        Copy-Item -LiteralPath (Join-Path $PSScriptRoot $name) -Destination $place -Recurse
        Write-Output "installed $place"
    }
}
if (-not $Uninstall) {
    if (($env:PATH -split ";") -notcontains $bin) {
        Write-Output "note: $bin is not in PATH; start the program as $bin\unspill.exe"
    }
    Write-Output "Let your DAW scan its plugins again."
}
