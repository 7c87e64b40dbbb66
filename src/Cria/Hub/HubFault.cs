namespace Cria.Hub;

/// <summary>A failure that may pass: a cut connection, silence, a hub that is busy.</summary>
sealed class HubFault(string reason, TimeSpan? wait = null, Exception? inner = null) : Exception(reason, inner)
{
    /// <summary>How long the hub asks to wait.</summary>
    public TimeSpan? Wait => wait;
}
