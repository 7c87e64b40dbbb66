#!/usr/bin/env bash
# What somebody gets who has the packages and not this repository: the tool from a local feed, and a program of one package reference that chats with pocket.
set -euo pipefail
cd "$(dirname "$0")/.."
version="0.1.0-check.$$"
work=$(mktemp -d)
packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}
server=
clean() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work" "$packages"/cria*/"$version"
}
trap clean EXIT

for project in Cria Cria.Server Cria.Cli; do
    dotnet pack "src/$project" -c Release -p:PackageVersion="$version" -o "$work/feed" -v q >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
done
cat >"$work/nuget.config" <<EOF
<configuration><packageSources><add key="feed" value="$work/feed" /></packageSources></configuration>
EOF

cd "$work"
dotnet tool install cria --version "$version" --tool-path "$work/tools" >/dev/null
tools/cria chat "Who are you?" --temperature 0 | grep pocket
tools/cria serve --port 0 >"$work/out" 2>/dev/null &
server=$!
for _ in $(seq 100); do
    grep -q listening "$work/out" && break
    sleep 0.2
done
curl -sf "$(sed -n 's/listening on //p' "$work/out")/health"
kill -TERM "$server"
wait "$server"
server=

mkdir program
cat >program/program.csproj <<EOF
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Cria.Engine" Version="$version" />
  </ItemGroup>
</Project>
EOF
cat >program/Program.cs <<'EOF'
using Cria.Chat;
using Microsoft.Extensions.AI;

using IChatClient client = CriaChatClient.Load("pocket");
Console.WriteLine(await client.GetResponseAsync("Who are you?", new() { Temperature = 0 }));
EOF
dotnet run --project program | grep pocket
dotnet publish program -o "$work/published" -v q >/dev/null
"$work/published/program" | grep pocket
