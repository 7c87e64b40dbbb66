namespace Cria.Cli;

/// <summary>Standard input, also where a command is started without one.</summary>
static class StandardInput
{
    /// <summary>Console.In; nothing at all where the caller has closed it (cria chat &lt;&amp;-).</summary>
    public static TextReader Reader => IsClosed ? TextReader.Null : Console.In;

    /// <summary>
    /// On Linux the runtime gets a closed descriptor 0 for a pipe of its own, on which a reader would wait for ever: its writing end
    /// is in this process too.
    /// </summary>
    static bool IsClosed
    {
        get
        {
            const string Descriptors = "/proc/self/fd";
            if (!OperatingSystem.IsLinux())
                return false;
            return Target(Path.Combine(Descriptors, "0")) is not { } input || (input.StartsWith("pipe:", StringComparison.Ordinal)
                && Directory.EnumerateFiles(Descriptors).Any(other => Target(other) == input && IsWritable(Path.GetFileName(other))));
        }
    }

    /// <summary>What a descriptor is open on; null where it is not open.</summary>
    static string? Target(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The flags of open(2) stand in octal; 1 and 2 are those for writing.</summary>
    static bool IsWritable(string descriptor)
    {
        try
        {
            return File.ReadLines($"/proc/self/fdinfo/{descriptor}").Any(line => line.StartsWith("flags:", StringComparison.Ordinal) && line[^1] is '1' or '2');
        }
        catch (IOException) // it is closed already
        {
            return false;
        }
    }
}
