namespace Cria.Hub;

/// <summary>What a download brought.</summary>
/// <param name="Name">The name that `cria models` lists it by; null for files that are no model of their own.</param>
/// <param name="Path">The GGUF file (of a split one the first), the directory, or the single file.</param>
/// <param name="Commit">The commit that the revision stood for.</param>
/// <param name="Files">The files in the cache.</param>
/// <param name="Bytes">Bytes of all files.</param>
/// <param name="BytesFetched">Bytes that were not there before.</param>
/// <param name="Unverified">Files for which the hub gave no SHA-256 or git hash, so that only their lengths could be checked.</param>
public sealed record PulledModel(string? Name, string Path, string Commit, IReadOnlyList<string> Files, long Bytes, long BytesFetched, IReadOnlyList<string> Unverified);
