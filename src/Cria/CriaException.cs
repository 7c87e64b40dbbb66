namespace Cria;

/// <summary>
/// Something is wrong with data the caller gave: a model file, a prompt, a message, a limit. The message is one line that
/// names the file and the field; programs print it as it is.
/// </summary>
public sealed class CriaException : Exception
{
    /// <summary>An error with one clear line of text.</summary>
    public CriaException(string message) : base(message.ReplaceLineEndings(" ")) { }

    /// <summary>An error with one clear line of text and its cause.</summary>
    public CriaException(string message, Exception inner) : base(message.ReplaceLineEndings(" "), inner) { }
}
